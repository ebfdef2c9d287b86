"""17 cross_entropy: the loss of a classifier, and its gradient"""

import numpy as np


def cross_entropy(z, target):
    """L = the mean over the N rows of −ln softmax(z) at the target, and its gradient ∂L/∂z

    z (N, C), of any size; target (N): whole numbers from 0 to C − 1. Returns loss (one number) and dz (N, C).

    >>> loss, dz = cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(float(loss), 4), dz.tolist()
    (0.6931, [[0.5, -0.5]])
    """
    # solution
    rows = np.arange(len(target))
    m = z.max(1, keepdims=True)
    log_p = z - m - np.log(np.exp(z - m).sum(1, keepdims=True))
    loss = -log_p[rows, target].mean()
    dz = np.exp(log_p)
    dz[rows, target] -= 1
    return loss, dz / len(target)
    # end
