"""20 jacobian_sum: the derivative of a sum

The Jacobian of a function from I numbers to O numbers has a row for each output and a column for each input:
J[o][i] = ∂y[o]/∂x[i], shape (O, I). Yours is checked against finite differences at random points.
"""

import numpy as np


def jacobian_sum(x, a):
    """J of y = Σᵢ (x[i] − a[i])², one number: J (1, I)

    x (I), a (I). Returns J (1, I).

    >>> jacobian_sum(np.array([1.0, 2.0]), np.array([0.0, 5.0]))
    array([[ 2., -6.]])
    """
    # solution
    return 2 * (x - a)[None]
    # end
