"""24 jacobian_softmax: a function in which every output depends on every input"""

import numpy as np


def jacobian_softmax(z):
    """J of p[c] = e^z[c] / Σⱼ e^z[j]: J[o][i] = ∂p[o]/∂z[i], shape (C, C)

    z (C). Returns J (C, C).

    >>> jacobian_softmax(np.array([0.0, 0.0]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    # solution
    p = np.exp(z - z.max())
    p /= p.sum()
    return np.diag(p) - np.outer(p, p)
    # end
