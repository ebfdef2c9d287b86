"""03 mse: the mean squared error of one output against the digit itself"""

import numpy as np


def mse(output, target):
    """L = the mean over the N rows of (output − target)²

    output (N, 1), target (N): mind the two shapes. Returns one number.

    >>> float(mse(np.array([[3.0], [4.0]]), np.array([5.0, 4.0])))
    2.0
    """
    # solution
    diff = output[:, 0] - target
    return (diff**2).mean()
    # end
