"""22 jacobian_matvec: the derivatives of a matrix times a vector"""

import numpy as np


def jacobian_matvec(w, x, u):
    """Of y = w·x: the Jacobian of y by x; and the gradient of L = u·y, one number, by the matrix w

    w (O, I), x (I), u (O). Returns J (O, I), with J[o][i] = ∂y[o]/∂x[i], and dw (O, I), with
    dw[o][i] = ∂L/∂w[o][i].

    >>> J, dw = jacobian_matvec(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]), np.array([10.0]))
    >>> J, dw
    (array([[1., 2.]]), array([[30., 40.]]))
    """
    # solution
    return w, np.outer(u, x)
    # end
