"""06 mse_onehot_grad: the gradient of exercise 04"""

import numpy as np


def mse_onehot_grad(output, target):
    """∂L/∂output, for L = the mean over all N·C numbers of (output − q)², with q the one-hot of target

    output (N, C), target (N): whole numbers from 0 to C − 1. Returns dz (N, C).

    >>> mse_onehot_grad(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1]))
    array([[-0.25,  0.25],
           [ 0.  ,  0.  ]])
    """
    # solution
    q = np.zeros_like(output)
    q[np.arange(len(target)), target] = 1
    return 2 * (output - q) / output.size
    # end
