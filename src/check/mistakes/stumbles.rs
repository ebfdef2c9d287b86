//! Errors that stop people before there is any number to judge.

/// An error that stops people before there is any number to judge.
#[derive(Clone, Copy, Debug)]
pub struct Stumble {
    /// What the program says.
    pub message: &'static str,
    /// What it is known by: each of these words stands in such a message.
    signs: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// Where to look.
    pub look: &'static str,
}

impl Stumble {
    /// The error of a message, if it is a known one.
    pub fn of(message: &str) -> Option<&'static Self> {
        let message = message.to_lowercase();
        let stands = |sign: &&str| message.contains(&sign.to_lowercase());
        STUMBLES
            .iter()
            .find(|stumble| stumble.signs.iter().all(stands))
    }
}

/// The errors of the lesson's thread and of forums; the more special of two stands first.
pub const STUMBLES: &[Stumble] = &[
    Stumble {
        message: "AttributeError: 'Tensor' object has no attribute 'g'",
        signs: &["object has no attribute 'g'"],
        meaning: "a backward pass asked for a gradient that nobody has written yet: most often the loss tensor's backward() was called, which is PyTorch's, instead of the loss module's; an array of NumPy takes no attributes at all",
        look: "call backward on the module that computed the loss (model.backward(), which begins with self.loss.backward()), and write out.g before anything reads it; with NumPy return the gradient",
    },
    Stumble {
        message: "AttributeError: 'numpy.ndarray' object has no attribute 'clamp_min'",
        signs: &["'numpy.ndarray' object has no attribute"],
        meaning: "a method of PyTorch's tensors was called on an array of NumPy, which has another name for it, or none",
        look: "np.maximum(x, 0) for clamp_min, np.log, np.exp, keepdims for keepdim, x.T for x.t(), astype for float(); or import torch, and tensors come in",
    },
    Stumble {
        message: "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
        signs: &["does not require grad"],
        meaning: "the loss tensor's backward() was called, but PyTorch has recorded nothing: the weights have no requires_grad, or the pass ran under no_grad",
        look: "call your own loss module's backward, or w.requires_grad_() before the forward pass to compare with PyTorch",
    },
    Stumble {
        message: "ValueError: operands could not be broadcast together with shapes (N,10) (N,)",
        signs: &["could not be broadcast together"],
        meaning: "two shapes do not fit: counted from the right, each pair of sizes must be equal, or one of them 1. With (N,10) (N,) a sum over the classes lost its axis; with (N,I) (I,O) a product by elements, *, stands for the matrix product, @",
        look: "print both shapes; keepdims=True (PyTorch: keepdim=True) in a sum or a maximum keeps the column, and so does [:, None]",
    },
    Stumble {
        message: "ValueError: non-broadcastable output operand with shape (10,) doesn't match the broadcast shape (N,10)",
        signs: &["non-broadcastable output operand"],
        meaning: "an array is changed in place by a larger one: a bias by a gradient that was not summed over the batch",
        look: "the gradient of a parameter has the shape of the parameter: db = dy.sum(0)",
    },
    Stumble {
        message: "RuntimeError: The size of tensor a (10) must match the size of tensor b (N) at non-singleton dimension 1",
        signs: &["the size of tensor a", "must match the size of tensor b"],
        meaning: "two shapes that do not fit, in PyTorch's words: (N, 10) against (N)",
        look: "keepdim=True, or [:, None]; where N happens to equal 10, no error comes and the numbers are wrong",
    },
    Stumble {
        message: "ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0",
        signs: &["mismatch in its core dimension"],
        meaning: "the inner sizes of a product differ: the factors are exchanged, a transpose is missing or one too many, or one of them became (N, N) before, by z (N, 1) minus t (N)",
        look: "write the shapes beside both factors: (a, b)·(b, c) is (a, c), and the two b must be the same size",
    },
    Stumble {
        message: "ValueError: shapes (N,10) and (50,10) not aligned: 10 (dim 1) != 50 (dim 0)",
        signs: &["not aligned"],
        meaning: "the same of np.dot: the inner sizes of a product differ",
        look: "write the shapes beside both factors: (a, b)·(b, c) is (a, c), and the two b must be the same size",
    },
    Stumble {
        message: "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
        signs: &["shapes cannot be multiplied"],
        meaning: "the same in PyTorch's words",
        look: "x (N, I) @ w (I, O): one image of shape (784) is missing its axis, x[None], or w is stored (O, I)",
    },
    Stumble {
        message: "UserWarning: Using a target size (torch.Size([N])) that is different to the input size (torch.Size([N, 1]))",
        signs: &["using a target size"],
        meaning: "mse broadcasts (N, 1) against (N) to (N, N): no error, other gradients (broadcast-n-by-n)",
        look: "z[:, 0] or t[:, None], so that both have one shape",
    },
    Stumble {
        message: "IndexError: tensors used as indices must be long, byte or bool tensors",
        signs: &["tensors used as indices"],
        meaning: "the targets are floats, and log_p[range(N), t] needs whole numbers",
        look: "t.long(), or t.astype(int)",
    },
    Stumble {
        message: "IndexError: arrays used as indices must be of integer (or boolean) type",
        signs: &["indices must be"],
        meaning: "the same in NumPy's words, or an index that is no number: the targets are floats",
        look: "t.astype(int)",
    },
    Stumble {
        message: "IndexError: index 10 is out of bounds for axis 1 with size 10",
        signs: &["out of bounds for"],
        meaning: "an index is not one of those that there are: rows and columns are exchanged, or the classes are counted from 1",
        look: "log_p[np.arange(N), t]: the row first, then the class from 0",
    },
    Stumble {
        message: "TypeError: only integer scalar arrays can be converted to a scalar index",
        signs: &["can be converted to a scalar index"],
        meaning: "an array stands where Python wants one whole number, as in range(x) or a list's index",
        look: "range(len(x)), np.arange(len(x)); a list is no array: np.array(the_list) makes one",
    },
    Stumble {
        message: "ValueError: The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
        signs: &["the truth value of"],
        meaning: "if and max() ask an array for one answer, and it has one for each element",
        look: "np.where(x > 0, a, b), np.maximum(x, 0), or x * (x > 0), which work element by element",
    },
    Stumble {
        message: "RuntimeError: expected scalar type Float but found Double",
        signs: &["expected", "but found double"],
        meaning: "NumPy computes in float64 and PyTorch in float32, and the two were mixed",
        look: "torch.tensor(x, dtype=torch.float32), or all of it in .double() for a check",
    },
    Stumble {
        message: "RuntimeError: expected m1 and m2 to have the same dtype, but got: float != double",
        signs: &["to have the same dtype"],
        meaning: "the same in a newer PyTorch's words",
        look: "torch.tensor(x, dtype=torch.float32), or all of it in .double() for a check",
    },
    Stumble {
        message: "UFuncTypeError: Cannot cast ufunc 'subtract' output from dtype('float64') to dtype('int64')",
        signs: &["cannot cast ufunc"],
        meaning: "an array of whole numbers is changed in place by one of fractions, which it cannot hold",
        look: "make it of floats: np.zeros(shape), np.array(x, float); or w = w − …, if it need not be in place",
    },
    Stumble {
        message: "TypeError: unsupported operand type(s) for -: 'NoneType' and 'float'",
        signs: &["unsupported operand type", "nonetype"],
        meaning: "a function or a forward does not return what it computed, and the next line computes with nothing",
        look: "return at the end of every function that is to give something",
    },
    Stumble {
        message: "TypeError: 'NoneType' object is not callable, or has no attribute 'backward'",
        signs: &["'nonetype' object"],
        meaning: "a forward or __call__ does not return its output, or __init__ returned before it stored anything",
        look: "return self.out at the end of __call__",
    },
    Stumble {
        message: "AttributeError: 'Relu' object has no attribute 'inp'",
        signs: &["object has no attribute"],
        meaning: "backward needs what the call did not keep, or calls it by another name",
        look: "self.inp = x in __call__ and self.inp in backward: the same name, and self before both",
    },
    Stumble {
        message: "TypeError: forward() takes 1 positional argument but 2 were given",
        signs: &["positional argument"],
        meaning: "a method without self, or with too few or too many arguments: Python gives the object as the first",
        look: "def forward(self, x): self is the first argument of every method",
    },
    Stumble {
        message: "NameError: name 'x' is not defined",
        signs: &["nameerror"],
        meaning: "a name that nothing was given to: another spelling than in the def line, a module that is not imported, or in a method what the object holds without its self",
        look: "the names in the def line; import numpy as np at the top of the file; self.x in methods",
    },
    Stumble {
        message: "RuntimeWarning: overflow encountered in exp",
        signs: &["overflow encountered in exp"],
        meaning: "e^z of a large z is infinite, and inf/inf is nan",
        look: "z − z.max(1, keepdims=True) before exp: softmax stays the same",
    },
    Stumble {
        message: "RuntimeWarning: divide by zero encountered in log",
        signs: &["divide by zero encountered in log"],
        meaning: "a probability has become 0, and its logarithm −inf",
        look: "ln p = z − lse(z), never the logarithm of softmax",
    },
    Stumble {
        message: "RuntimeError: Trying to backward through the graph a second time",
        signs: &["backward through the graph a second time"],
        meaning: "PyTorch's backward ran twice on one forward pass",
        look: "run the forward pass again before each backward",
    },
    Stumble {
        message: "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation",
        signs: &["a leaf variable that requires grad"],
        meaning: "PyTorch records what happens to the weights, and the update is no part of the pass",
        look: "with torch.no_grad(): around the update; then w.grad.zero_()",
    },
    Stumble {
        message: "RecursionError: maximum recursion depth exceeded",
        signs: &["maximum recursion depth"],
        meaning: "a function calls itself without end: forward calls the object, whose __call__ calls forward",
        look: "__call__ calls forward, and forward calls nothing but formulas",
    },
    Stumble {
        message: "IndentationError: unexpected indent",
        signs: &["indent"],
        meaning: "the lines of a function do not stand below each other, or tabs and blanks are mixed",
        look: "four blanks for each level, and no tabs",
    },
    Stumble {
        message: "MemoryError: Unable to allocate 10.0 GiB for an array",
        signs: &["unable to allocate"],
        meaning: "an array is far larger than the batch: two shapes were broadcast to a product of both, such as (N, N, C)",
        look: "print the shapes on the way: which operation makes the large one?",
    },
    Stumble {
        message: "ndarray: could not broadcast array from shape: [N] to: [N, 1]",
        signs: &["could not broadcast array from shape"],
        meaning: "two shapes of ndarray do not fit: a row of numbers stands where a column is needed",
        look: "insert_axis(Axis(1)) makes a column of a vector; column(0) makes a vector of a column",
    },
    Stumble {
        message: "ndarray: inputs 50 × 10 and 50 × 10 are not compatible for matrix multiplication",
        signs: &["not compatible for matrix multiplication"],
        meaning: "the inner sizes of a product differ: a transpose is missing or one too many",
        look: "write the shapes beside both factors: (a, b)·(b, c) is (a, c), and the two b must be the same size; a.t() is the transpose",
    },
    Stumble {
        message: "error[E0382]: borrow of moved value: `l1`",
        signs: &["moved value"],
        meaning: "an array was given away, to a function or into an operation such as l1 * 2.0, and is used again",
        look: "lend it: &l1 * 2.0, f(&l1); or l1.clone()",
    },
    Stumble {
        message: "error[E0308]: mismatched types",
        signs: &["mismatched types"],
        meaning: "a value of another type than is wanted in its place: the compiler says which was expected and which was found",
        look: "0.0 and not 0 beside floats; & lends an array; to_owned() makes an array of a view; insert_axis(Axis(1)) adds an axis",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_own_message() {
        for stumble in STUMBLES {
            let found = Stumble::of(stumble.message).expect(stumble.message);
            assert_eq!(found.message, stumble.message);
        }
        assert!(Stumble::of("ValueError: something else").is_none());
    }
}
