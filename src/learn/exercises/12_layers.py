"""12 layers: a network with any number of them"""

import numpy as np


class Mlp:
    """lin → relu → lin → relu → … → lin: a ReLU between any two linear layers, none behind the last

    weights and biases are lists: weights[k] (I, O), biases[k] (O).
    """

    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases
        self.dw, self.db = [None] * len(weights), [None] * len(weights)

    def __call__(self, x):
        """Returns the outputs z (N, C) of x (N, I), and keeps what backward needs of every layer."""
        # solution
        self.inputs, self.sums = [], []
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            if k > 0:
                x = np.maximum(x, 0)
            self.inputs.append(x)
            x = x @ w + b
            self.sums.append(x)
        return x
        # end

    def backward(self, dz):
        """Leaves the gradients of weights[k] and biases[k] in self.dw[k] and self.db[k], given dz = ∂L/∂z (N, C)."""
        # solution
        dy = dz
        for k in reversed(range(len(self.weights))):
            self.dw[k] = self.inputs[k].T @ dy
            self.db[k] = dy.sum(0)
            if k > 0:
                dx = dy @ self.weights[k].T
                dy = dx * (self.sums[k - 1] > 0)
        # end
