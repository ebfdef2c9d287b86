"""05 mse_grad: the gradient of exercise 03, where the way back begins"""

import numpy as np


def mse_grad(output, target):
    """∂L/∂output, for L = the mean over the N rows of (output − target)²

    output (N, 1), target (N). Returns dz (N, 1): how L changes with each output.

    >>> mse_grad(np.array([[3.0], [4.0]]), np.array([5.0, 4.0]))
    array([[-2.],
           [ 0.]])
    """
    # solution
    diff = output - target[:, None]
    return 2 * diff / len(target)
    # end
