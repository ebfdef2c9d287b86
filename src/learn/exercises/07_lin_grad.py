"""07 lin_grad: the way back through a linear layer"""

import numpy as np


def lin_grad(x, w, dy):
    """The three gradients of y = x·w + b, given dy = ∂L/∂y

    x (N, I), w (I, O), dy (N, O). Returns dx (N, I), dw (I, O) and db (O), in this order: each has the shape of
    what it is the gradient of.

    >>> dx, dw, db = lin_grad(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[3.0], [4.0]]), np.array([[0.5], [-1.0]]))
    >>> dx
    array([[ 1.5,  2. ],
           [-3. , -4. ]])
    >>> dw
    array([[0.5],
           [0. ]])
    >>> db
    array([-0.5])
    """
    # solution
    dx = dy @ w.T
    dw = x.T @ dy
    db = dy.sum(0)
    return dx, dw, db
    # end
