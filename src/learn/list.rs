//! The exercises in words.

use super::Exercise;

/// The exercise of a name, with its files.
macro_rules! exercise {
    ($number:literal, $file:literal, $name:literal, $points:literal, $title:literal, $hints:expr) => {
        Exercise {
            number: $number,
            name: $name,
            title: $title,
            points: $points,
            hints: $hints,
            python: include_str!(concat!("exercises/", $file, ".py")),
            rust: include_str!(concat!("exercises/", $file, ".rs")),
        }
    };
}

pub(super) static ALL: [Exercise; 24] = [
    exercise!(
        1,
        "01_lin",
        "lin",
        1,
        "a linear layer",
        [
            "write the shapes beside each factor: which two sizes must agree, and which two are left?",
            "one matrix product for all rows at once; the bias is added to every row",
            "y = x·w + b; in NumPy x @ w + b",
        ]
    ),
    exercise!(
        2,
        "02_relu",
        "relu",
        1,
        "negative numbers become 0",
        [
            "what is the larger of x and 0, for each number of x by itself?",
            "NumPy has a function of two arguments that takes the larger of both, element by element; x must not change",
            "y = max(x, 0); np.maximum(x, 0), or x * (x > 0)",
        ]
    ),
    exercise!(
        3,
        "03_mse",
        "mse",
        1,
        "the loss of one output against the digit",
        [
            "print the shapes of output, of target, and of their difference",
            "(N, 1) minus (N) is (N, N): every output against every target. Take the only column of output first",
            "L = (1/N)·Σₙ (output[n, 0] − target[n])²",
        ]
    ),
    exercise!(
        4,
        "04_mse_onehot",
        "mse_onehot",
        1,
        "the loss of ten outputs against a class",
        [
            "what should the ten outputs be for the digit 7? Write that row down first",
            "make q (N, C) of zeros, set q[n, target[n]] to 1, then take the mean over all its numbers",
            "L = (1/(N·C))·Σ (output − q)², with q[np.arange(N), target] = 1",
        ]
    ),
    exercise!(
        5,
        "05_mse_grad",
        "mse_grad",
        1,
        "the gradient of the loss: where the way back begins",
        [
            "how does (z − t)² change when z grows a little? And how many rows share the mean?",
            "the derivative of a square is twice its base; the mean over N rows gives each of them a part of 1/N",
            "dz = 2·(output − target) / N, as a column (N, 1)",
        ]
    ),
    exercise!(
        6,
        "06_mse_onehot_grad",
        "mse_onehot_grad",
        1,
        "the same of ten outputs",
        [
            "over how many numbers is the mean of exercise 04?",
            "as in exercise 05, but every one of the N·C numbers has a part in the mean",
            "dz = 2·(output − q) / (N·C)",
        ]
    ),
    exercise!(
        7,
        "07_lin_grad",
        "lin_grad",
        2,
        "the way back through a linear layer",
        [
            "each gradient has the shape of what it belongs to: which products of x, w and dy have these shapes?",
            "dx: what every output sends back through its weights. dw: every input times every output's gradient, summed \
         over the rows. db: b was added in every row",
            "dx = dy·wᵀ, dw = xᵀ·dy, db = Σₙ dy[n]",
        ]
    ),
    exercise!(
        8,
        "08_relu_grad",
        "relu_grad",
        1,
        "the way back through a ReLU",
        [
            "where x was below 0, does y change if x changes a little?",
            "a unit that was off passes nothing back, one that was on passes dy as it is; it is x that decides",
            "dx = dy where x > 0, else 0; dy * (x > 0)",
        ]
    ),
    exercise!(
        9,
        "09_forward_and_backward",
        "forward_and_backward",
        3,
        "a network of two layers, there and back",
        [
            "the way back takes the lines of the way forward in reverse order; each line needs its own input",
            "you have all the parts: 01, 02, 03 forward; 05, 07, 08, 07 backward. What is the dy of each?",
            "dz = 2·(z − t)/N; dl2 = dz·w2ᵀ, dw2 = l2ᵀ·dz, db2 = Σ dz; dl1 = dl2 where l1 > 0; dw1 = xᵀ·dl1, db1 = Σ dl1",
        ]
    ),
    exercise!(
        10,
        "10_classes",
        "classes",
        2,
        "layers that remember their input",
        [
            "what does each backward need that its call had? That is what the call must keep in self",
            "keep the input of the last call (for Mse the difference); backward is the function of exercises 05, 07, 08",
            "Lin: self.x = x, then dw = xᵀ·dy, db = Σ dy, dx = dy·wᵀ. Relu: dx = dy where self.x > 0. Mse: 2·diff/N",
        ]
    ),
    exercise!(
        11,
        "11_module",
        "module",
        2,
        "what the layers have in common",
        [
            "__call__ and backward are the same in every layer: what do they do besides the formulas?",
            "__call__ keeps its arguments and what forward gives; backward hands both to bwd, with dy, and returns its result",
            "self.args = args; self.out = self.forward(*args); return self.out — and return self.bwd(self.out, dy, *self.args)",
        ]
    ),
    exercise!(
        12,
        "12_layers",
        "layers",
        3,
        "any number of layers",
        [
            "keep one entry a layer, in lists: which entry does the way back need in layer k?",
            "layer k needs the input that went into it for dw, and the ReLU before it the sums of layer k − 1 for its mask",
            "for k from the last down: dw[k] = inputs[k]ᵀ·dy, db[k] = Σ dy; then dy = (dy·w[k]ᵀ) where sums[k − 1] > 0",
        ]
    ),
    exercise!(
        13,
        "13_softmax",
        "softmax",
        1,
        "outputs become probabilities",
        [
            "which axis are the classes? Each row must sum to 1 by itself",
            "e^z, divided by its sum over axis 1; keep that sum as a column (keepdims), so that each row takes its own",
            "p = e^z / Σⱼ e^z[n][j]; np.exp(z) / np.exp(z).sum(1, keepdims=True)",
        ]
    ),
    exercise!(
        14,
        "14_logsumexp",
        "logsumexp",
        2,
        "the logarithm of a sum of exponentials, whatever their size",
        [
            "e^1000 is infinite. What can be taken out of every e^z of a row without changing the logarithm of their sum?",
            "ln Σ e^z = m + ln Σ e^(z − m) for any m; take the row's own maximum, as a column",
            "m = max of each row; lse = m + ln Σⱼ e^(z[n][j] − m)",
        ]
    ),
    exercise!(
        15,
        "15_log_softmax",
        "log_softmax",
        1,
        "the logarithm of a probability that would be 0",
        [
            "the logarithm of a quotient is a difference: of what?",
            "ln (e^z / Σ e^z) = z − ln Σ e^z, and exercise 14 is the second part",
            "ln p = z − lse(z), with lse a column (N, 1)",
        ]
    ),
    exercise!(
        16,
        "16_nll",
        "nll",
        1,
        "the loss of a classifier",
        [
            "one number a row: the one at its target. How does one pick a different column in each row?",
            "log_p[np.arange(N), target] has one number a row; log_p[:, target] has N. ln p is negative: the loss is not",
            "L = −(1/N)·Σₙ log_p[n, target[n]]",
        ]
    ),
    exercise!(
        17,
        "17_cross_entropy",
        "cross_entropy",
        3,
        "cross-entropy and its gradient",
        [
            "the loss is 15 and 16. For the gradient: what is the derivative of log-sum-exp by z[c]?",
            "the derivative of lse is softmax; of −z at the target it is −1; the mean gives 1/N",
            "dz = (softmax(z) − onehot(target)) / N",
        ]
    ),
    exercise!(
        18,
        "18_sgd",
        "sgd",
        1,
        "one step downhill",
        [
            "does w = w − lr·dw change the array that the network holds?",
            "change the arrays themselves: w -= lr·dw does, w = w − lr·dw makes a new one; then set each gradient to 0",
            "for w, dw in zip(params, grads): w -= lr * dw; dw[:] = 0",
        ]
    ),
    exercise!(
        19,
        "19_train",
        "train",
        4,
        "real MNIST to 95 %",
        [
            "how large are your first weights? Sums over 784 inputs want small ones. And does each step take other images?",
            "weights of a deviation √(2/inputs), biases 0; go through all images in a random order, 50 or so at a time, with \
         exercise 17 as the loss and a learning rate of 0.1 to 0.5; go through them twice",
            "per batch: l1, l2, z forward; dz = (softmax(z) − onehot)/N; dw2 = l2ᵀ·dz, dl1 = dz·w2ᵀ where l1 > 0, dw1 = xᵀ·dl1, \
         db = the sums; w −= lr·dw",
        ]
    ),
    exercise!(
        20,
        "20_jacobian_sum",
        "jacobian_sum",
        1,
        "the derivative of a sum",
        [
            "how does the sum change when x[0] alone grows a little? Which of its terms has x[0]?",
            "only term i has x[i]; the others are constants. One output, so J has one row",
            "J[0][i] = 2·(x[i] − a[i])",
        ]
    ),
    exercise!(
        21,
        "21_jacobian_product",
        "jacobian_product",
        1,
        "a product by elements",
        [
            "does y[0] change when x[1] does? What stands at J[0][1] then?",
            "output i depends on input i alone: everything off the diagonal is 0",
            "J = diag(2·a∘x)",
        ]
    ),
    exercise!(
        22,
        "22_jacobian_matvec",
        "jacobian_matvec",
        2,
        "a matrix times a vector",
        [
            "write y[0] as a sum. What is its derivative by x[1], and what is L's by w[0][1]?",
            "y[o] = Σᵢ w[o][i]·x[i], so ∂y[o]/∂x[i] is an element of w; L = Σₒ u[o]·y[o] has w[o][i] once, times u[o]·x[i]",
            "J = w; dw[o][i] = u[o]·x[i], the outer product of u and x",
        ]
    ),
    exercise!(
        23,
        "23_jacobian_chain",
        "jacobian_chain",
        2,
        "the chain rule by vectors",
        [
            "three functions one after the other: what is the Jacobian of each by itself, and in which order are they multiplied?",
            "the outermost stands first: J = J(w2·)·J(tanh)·J(w1·); that of a function by elements is a diagonal matrix",
            "J = w2·diag(1 − y²)·w1 with y = tanh(w1·x)",
        ]
    ),
    exercise!(
        24,
        "24_jacobian_softmax",
        "jacobian_softmax",
        3,
        "every output depends on every input",
        [
            "the sum in the denominator has every z: what is ∂p[0]/∂z[1]? And what more has ∂p[0]/∂z[0]?",
            "quotient rule: ∂p[o]/∂z[i] is −p[o]·p[i], and p[o] more where o = i",
            "J = diag(p) − p·pᵀ",
        ]
    ),
];
