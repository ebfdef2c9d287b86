"""09 forward_and_backward: a network of two layers, there and back"""

import numpy as np


def forward_and_backward(x, w1, b1, w2, b2, target):
    """All that one batch makes of the network lin → relu → lin → mse, and all the gradients.

    x (N, I), w1 (I, H), b1 (H), w2 (H, 1), b2 (1), target (N). Returns a dict with these names:

        l1 = x·w1 + b1      (N, H)
        l2 = relu(l1)       (N, H)
        z  = l2·w2 + b2     (N, 1)
        loss                the mean over the rows of (z − target)²
        dz, dl2, dl1        the gradients of z, l2 and l1, each of its shape
        dw2, db2, dw1, db1  those of the parameters

    >>> one = np.array([[1.0]])
    >>> all_of_it = forward_and_backward(2 * one, one, one[0], 3 * one, one[0], np.array([8.0]))
    >>> {name: float(np.sum(value)) for name, value in all_of_it.items()}
    {'l1': 3.0, 'l2': 3.0, 'z': 10.0, 'loss': 4.0, 'dz': 4.0, 'dl2': 12.0, 'dl1': 12.0, 'dw2': 12.0, 'db2': 4.0, 'dw1': 24.0, 'db1': 12.0}
    """
    # solution
    l1 = x @ w1 + b1
    l2 = np.maximum(l1, 0)
    z = l2 @ w2 + b2
    diff = z - target[:, None]
    loss = (diff**2).mean()

    dz = 2 * diff / len(x)
    dl2 = dz @ w2.T
    dw2 = l2.T @ dz
    db2 = dz.sum(0)
    dl1 = dl2 * (l1 > 0)
    dw1 = x.T @ dl1
    db1 = dl1.sum(0)
    return {"l1": l1, "l2": l2, "z": z, "loss": loss, "dz": dz, "dl2": dl2, "dl1": dl1, "dw2": dw2, "db2": db2, "dw1": dw1, "db1": db1}
    # end
