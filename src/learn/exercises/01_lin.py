"""01 lin: a linear layer"""

import numpy as np


def lin(x, w, b):
    """y = x·w + b

    x (N, I): N rows of I inputs. w (I, O), b (O). Returns y (N, O).

    >>> lin(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]), np.array([0.1, 0.2, 0.3]))
    array([[15.1, 18.2, 21.3]])
    """
    # solution
    return x @ w + b
    # end
