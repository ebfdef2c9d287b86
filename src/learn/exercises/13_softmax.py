"""13 softmax: outputs become probabilities"""

import numpy as np


def softmax(z):
    """p[n][c] = e^z[n][c] / Σⱼ e^z[n][j]: each row sums to 1

    z (N, C). Returns p (N, C).

    >>> softmax(np.array([[0.0, 0.0], [0.0, np.log(3.0)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    # solution
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
    # end
