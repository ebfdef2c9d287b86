"""08 relu_grad: the way back through a ReLU"""

import numpy as np


def relu_grad(x, dy):
    """∂L/∂x of y = relu(x), given dy = ∂L/∂y

    x (N, I): what went in. dy (N, I). Returns dx (N, I).

    >>> relu_grad(np.array([[-1.0, 2.0, -3.0, 4.0]]), np.array([[5.0, -6.0, 7.0, 8.0]]))
    array([[ 0., -6.,  0.,  8.]])
    """
    # solution
    return dy * (x > 0)
    # end
