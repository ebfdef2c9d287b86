"""23 jacobian_chain: the chain rule by vectors, where Jacobians are multiplied"""

import numpy as np


def jacobian_chain(w1, w2, x):
    """J of y = w2·tanh(w1·x): J[o][i] = ∂y[o]/∂x[i], shape (O, I)

    w1 (H, I), w2 (O, H), x (I). Returns J (O, I).

    >>> jacobian_chain(np.array([[1.0], [0.0]]), np.array([[2.0, 3.0]]), np.array([0.0]))
    array([[2.]])
    """
    # solution
    y = np.tanh(w1 @ x)
    return w2 @ np.diag(1 - y**2) @ w1
    # end
