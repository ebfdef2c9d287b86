"""10 classes: each layer remembers what its way back needs

A network is then built and run like this:

    lin1, relu, lin2, mse = Lin(w1, b1), Relu(), Lin(w2, b2), Mse()
    loss = mse(lin2(relu(lin1(x))), target)
    lin1.backward(relu.backward(lin2.backward(mse.backward())))

and the gradients of the parameters are in lin1.dw, lin1.db, lin2.dw and lin2.db.
"""

import numpy as np


class Lin:
    """y = x·w + b"""

    def __init__(self, w, b):
        self.w, self.b = w, b

    def __call__(self, x):
        """Returns y (N, O) of x (N, I), and keeps what backward needs."""
        # solution
        self.x = x
        return x @ self.w + self.b
        # end

    def backward(self, dy):
        """Returns dx (N, I) of dy (N, O), and leaves the gradients of w and b in self.dw and self.db."""
        # solution
        self.dw = self.x.T @ dy
        self.db = dy.sum(0)
        return dy @ self.w.T
        # end


class Relu:
    """y = x where x > 0, else 0"""

    def __call__(self, x):
        """Returns y of x, and keeps what backward needs."""
        # solution
        self.x = x
        return np.maximum(x, 0)
        # end

    def backward(self, dy):
        """Returns dx of dy."""
        # solution
        return dy * (self.x > 0)
        # end


class Mse:
    """L = the mean over the N rows of (output − target)²"""

    def __call__(self, output, target):
        """Returns one number for output (N, 1) and target (N), and keeps what backward needs."""
        # solution
        self.diff = output - target[:, None]
        return (self.diff**2).mean()
        # end

    def backward(self):
        """Returns ∂L/∂output (N, 1)."""
        # solution
        return 2 * self.diff / len(self.diff)
        # end
