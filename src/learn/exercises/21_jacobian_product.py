"""21 jacobian_product: the derivative of a product by elements"""

import numpy as np


def jacobian_product(x, a):
    """J of y[i] = a[i]·x[i]²: J[o][i] = ∂y[o]/∂x[i], shape (I, I)

    x (I), a (I). Returns J (I, I): a whole matrix, whatever is zero in it.

    >>> jacobian_product(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[ 6.,  0.],
           [ 0., 16.]])
    """
    # solution
    return np.diag(2 * a * x)
    # end
