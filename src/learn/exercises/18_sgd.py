"""18 sgd: what the gradients are for"""

import numpy as np


def sgd(params, grads, lr):
    """w ← w − lr·dw for every parameter, and every gradient back to zero

    params and grads: lists of arrays of the same shapes. lr: one number. Both are changed in place, for the network
    holds the same arrays; returns nothing.

    >>> w, dw = np.array([1.0, 2.0]), np.array([10.0, -10.0])
    >>> sgd([w], [dw], 0.1)
    >>> w, dw
    (array([0., 3.]), array([0., 0.]))
    """
    # solution
    for w, dw in zip(params, grads):
        w -= lr * dw
        dw[:] = 0
    # end
