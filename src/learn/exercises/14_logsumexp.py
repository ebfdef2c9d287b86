"""14 logsumexp: the logarithm of a sum that no number could hold"""

import numpy as np


def logsumexp(z):
    """lse[n] = ln Σⱼ e^z[n][j], for outputs of any size: e^1000 is infinite, but this is not

    z (N, C). Returns lse (N, 1), a column.

    >>> logsumexp(np.array([[0.0, 0.0], [1000.0, 1000.0]])).round(4).tolist()
    [[0.6931], [1000.6931]]
    """
    # solution
    m = z.max(1, keepdims=True)
    return m + np.log(np.exp(z - m).sum(1, keepdims=True))
    # end
