//! The known mistakes, in words.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How a mistake is described.
struct Text {
    name: &'static str,
    what: &'static str,
    question: &'static str,
    mend: &'static str,
}

/// One entry a mistake: the line that it gets wrong, its name in flags, what is wrong, the question that leads
/// people to it, and the formula that mends it.
macro_rules! mistakes {
    ($($(#[$line:meta])* $mistake:ident = $name:literal, $what:literal, $question:literal, $mend:literal;)*) => {
        /// A known mistake. Its places are modules of a network; a mistake in the loss or in what the network
        /// is fed has none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Mistake {
            $($(#[$line])* #[serde(rename = $name)] $mistake,)*
        }

        impl Mistake {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$mistake,)*];

            fn text(self) -> Text {
                match self {
                    $(Self::$mistake => Text { name: $name, what: $what, question: $question, mend: $mend },)*
                }
            }
        }
    };
}

mistakes! {
    /// dz = t − p instead of p − t
    Sign = "sign",
        "the gradient of the loss has its sign flipped: targets minus predictions",
        "why does my loss grow with every step?",
        "dz = (softmax(z) − onehot(t)) / N, or 2·(z − t) / (N·C) for mse: predictions minus targets";
    /// Σₙ instead of (1/N) Σₙ
    MeanMissing = "mean-missing",
        "the 1/N of the mean over the batch is missing",
        "why is my gradient 64 times PyTorch's, with batches of 64?",
        "L is a mean over N images, so dz has the factor 1/N";
    /// 1/N² instead of 1/N
    MeanTwice = "mean-twice",
        "the mean over the batch is taken twice: once more than the loss has it",
        "why is my gradient 64 times smaller than PyTorch's, with batches of 64?",
        "the 1/N of the loss is in dz already: dw = xᵀ·dy and db = Σₙ dy have none of their own";
    /// 1/C instead of 1/N
    MeanOverClasses = "mean-over-classes",
        "divides by the C classes where the loss is a mean over the N images",
        "why does my learning rate depend on the batch size?",
        "dz = (softmax(z) − onehot(t)) / N, with N = len(x): .mean() of the losses, one an image";
    /// (z − t) instead of 2·(z − t)
    TwoMissing = "two-missing",
        "the 2 from the derivative of the square is missing",
        "why is every gradient half of PyTorch's?",
        "d(z − t)²/dz = 2·(z − t), so dz = 2·(z − t) / (N·C)";
    /// N·C instead of N, or N instead of N·C
    MeanOverOthers = "mean-over-others",
        "divides by N·C where the loss is a mean over N (ce), or by N where it is one over N·C (mse)",
        "why is every gradient a tenth of PyTorch's, or ten times as large?",
        "cross-entropy is a mean over the N images, mse over all N·C numbers: divide by the same number";
    /// The gradients of two backward passes added
    NotZeroed = "not-zeroed",
        "the gradients of two backward passes are added: nothing set them to zero in between",
        "why do my gradients grow each time I run the cell?",
        "set every gradient to zero before backward (optimizer.zero_grad()), or assign it: w.g = …, not w.g += …";
    /// One ln Σ e^z for the whole batch
    LogsumexpNotByRows = "logsumexp-not-by-rows",
        "one log-sum-exp over the whole batch instead of one per row",
        "why don't the rows of my softmax sum to 1?",
        "lse[n] = ln Σ_j e^z[n][j], kept as a column (N, 1), so that z − lse takes each row's own";
    /// Softmax down the columns
    SoftmaxOverBatch = "softmax-over-batch",
        "softmax is taken over axis 0, the images, instead of axis 1, the classes",
        "why do the columns of my softmax sum to 1?",
        "p[n][c] = e^z[n][c] / Σ_j e^z[n][j]: sum over the classes, .sum(1, keepdims=True) or dim=1";
    /// softmax(softmax(z))
    SoftmaxTwice = "softmax-twice",
        "softmax is applied to what is a softmax already",
        "why does my loss not fall below 1.46?",
        "cross-entropy takes the outputs z themselves; softmax is inside: p = softmax(z), once";
    /// The slope of softmax multiplied in besides
    SoftmaxSlopeBesides = "softmax-slope-besides",
        "the slope of softmax is multiplied in once more, though p − q has it already",
        "do I not need the derivative of softmax as well?",
        "dz = (p − q) / N: it is the gradient of softmax and logarithm together";
    /// The slope of the sigmoid multiplied in besides
    SigmoidSlopeBesides = "sigmoid-slope-besides",
        "the slope of the sigmoid is multiplied in once more, though p − t has it already",
        "do I not need p·(1 − p), the derivative of the sigmoid, as well?",
        "dz = (p − t) / N: it is the gradient of sigmoid and logarithm together, in which p·(1 − p) cancels";
    /// dz = p
    TargetNotSubtracted = "target-not-subtracted",
        "the gradient of cross-entropy is taken as p alone: the target is not subtracted",
        "why is no element of my dz negative?",
        "dz = (p − q) / N, with q = onehot(t): p[range(N), t] −= 1";
    /// dz = −q/p, or (p − t)/(p·(1 − p)) with a sigmoid
    OneOverP = "one-over-p",
        "the gradient of cross-entropy is taken as −q/p: that of −ln p, without the softmax or sigmoid below it",
        "isn't the derivative of −ln p just −1/p?",
        "through the softmax, −q/p becomes dz = (p − q) / N, and through the sigmoid (p − t)/(p·(1 − p)) becomes dz = (p − t) / N";
    /// z instead of z − t
    ResForDiff = "res-for-diff",
        "the output `res` is used instead of `diff`, output minus target",
        "why doesn't the gradient depend on the targets?",
        "dz = 2·diff / (N·C) with diff = z − t";
    /// z (N, 1) minus t (N) is (N, N)
    BroadcastNByN = "broadcast-n-by-n",
        "every output is held against the targets of all images: z (N, 1) minus t (N) is (N, N), p[:, t] is (N, N), too",
        "why does my network predict the mean of the digits for every image?",
        "each image against its own target: diff = z[:, 0] − t for one output, p[range(N), t] −= 1 for classes";
    /// t is that of the next or the previous image
    LabelsShifted = "labels-shifted",
        "the labels are shifted by one row against the images",
        "why is it no better than guessing although the gradients look fine?",
        "t[n] is the class of x[n]: cut both with the same slice";
    /// The digit for its one-hot, or the other way round
    TargetEncoding = "target-encoding",
        "the target is the digit where its one-hot belongs, or a one-hot where the digit belongs",
        "do I subtract 7, or a vector with a 1 at place 7?",
        "ten outputs take onehot(t) (N, 10); a single output takes the digit t (N, 1)";
    /// p of images other than those of the targets
    AnotherBatch = "another-batch",
        "the predictions belong to other images than the targets",
        "why does it only learn if I run all the cells again?",
        "the forward pass of this batch, then its backward pass: dz = (p − onehot(t)) / N row by row";
    /// Right, of images that were not asked for
    OtherImages = "other-images",
        "these are the gradients of other images: another batch, or another batch size",
        "why do I get other numbers with the right formulas?",
        "x and targets are those of the exported batch, all of them and no others";
    /// x in 0..255
    PixelsTo255 = "pixels-to-255",
        "the pixels are 0 to 255 where the network was trained with 0 to 1",
        "why are my first gradients hundreds of times too large?",
        "x = pixels / 255, in the forward pass and in dw = xᵀ·dy";
    /// x·w + b + b
    BiasTwice = "bias-twice",
        "the bias is added twice: inside the product and once more",
        "I appended a column of ones: do I still add b?",
        "y = x·w + b: either a column of ones in x and the row b in w, or + b";
    /// x·w
    BiasForgotten = "bias-forgotten",
        "the forward pass leaves the bias out",
        "why are all my gradients a little off?",
        "y = x·w + b";
    /// The network without its last activation, or without one of them
    ActivationForgotten = "activation-forgotten",
        "an activation is left out, on the way forward and on the way back",
        "does the last layer have an activation, too?",
        "y = f(x·w + b) in the layers that have one, and dx = dy·∂y/∂x on the way back";
    /// An activation behind the last layer
    ActivationAtEnd = "activation-at-end",
        "the outputs go through one activation too many, behind the last layer",
        "shouldn't every layer end in a ReLU?",
        "z = x·w + b is the output: the loss takes it as it is";
    /// w − lr·dw instead of w
    WeightUpdated = "weight-updated",
        "a weight had already been updated when its gradient was passed on",
        "may I update each layer as soon as I have its gradient?",
        "all gradients first, with the weights of the forward pass; then all updates";
    /// dw + λ·w instead of dw
    WeightDecay = "weight-decay",
        "weight decay is included: a multiple of the parameter is added to its gradient",
        "why are my gradients off although the loss is right?",
        "the gradient of the loss is dw alone; λ·w belongs to the update, or to the loss as well";
    /// dx = dy behind a ReLU
    ReluMaskMissing = "relu-mask-missing",
        "the gradient passes a ReLU as if it were not there",
        "why is my first layer wrong and the last one right?",
        "dx = dy where x > 0, else 0";
    /// dx = dy where y ≥ 0
    ReluMaskAtZero = "relu-mask-at-zero",
        "the mask is ≥ 0 where > 0 is meant: behind a ReLU, y ≥ 0 is true everywhere",
        "y ≥ 0 or y > 0?",
        "dx = dy where x > 0, else 0: a unit that is off passes nothing";
    /// dx = dy where x < 0
    ReluMaskInverted = "relu-mask-inverted",
        "the mask is of the wrong side: the gradient passes where the ReLU was off",
        "does where(x > 0, 0, dy) set the right ones to zero?",
        "dx = dy where x > 0, else 0: np.where(x > 0, dy, 0)";
    /// dx = dy where dy > 0
    ReluMaskOfGradient = "relu-mask-of-gradient",
        "the mask is that of the gradient: negative gradients are cut off instead of inputs",
        "isn't the backward of ReLU a ReLU of the gradient?",
        "dx = dy where x > 0, else 0: it is x that decides, dy may have any sign";
    /// The mask of the last ReLU in every layer
    SharedRelu = "shared-relu",
        "one ReLU object for several layers: all get the mask of the last",
        "can't I use the same ReLU() twice?",
        "a module that remembers its input serves one layer: one ReLU object each, dx = dy where its own x > 0";
    /// The mask of the ReLU before
    ReluMaskOfBefore = "relu-mask-of-before",
        "a ReLU takes the mask of the ReLU before it",
        "I saved every layer's input in a list: which one is mine on the way back?",
        "dx = dy where x > 0, with the x that went into this very ReLU";
    /// The mask of a ReLU further away
    ReluMaskOfAnother = "relu-mask-of-another",
        "a ReLU takes the mask of another layer, neither the one before nor the last",
        "which of my masks belongs to which layer?",
        "dx = dy where x > 0, with the x that went into this very ReLU";
    /// dx = (x > 0) behind a ReLU
    UpstreamIgnored = "upstream-ignored",
        "an activation passes its own slope down and forgets the gradient from above",
        "isn't the gradient of ReLU just 0 or 1?",
        "the chain rule multiplies: dx = dy·(x > 0)";
    /// 1 − x² instead of 1 − y²
    SlopeFromX = "slope-from-x",
        "the slope is taken at the input, where the formula has the output",
        "tanh' = 1 − tanh²: of what?",
        "tanh: dx = dy·(1 − y²); sigmoid: dx = dy·y·(1 − y), with y the output";
    /// f'(y) instead of f'(x)
    SlopeAtOutput = "slope-at-output",
        "the derivative is taken at the output, though it is a function of the input: f'(y) for f'(x)",
        "I have sigmoid_prime(z): do I give it z or a?",
        "dx = dy·f'(x), with the x that went in; written with y: y·(1 − y) for sigmoid, 1 − y² for tanh";
    /// dx = dy behind a tanh, a sigmoid or another smooth function
    SlopeMissing = "slope-missing",
        "the gradient passes a smooth activation as if it were not there",
        "why is every layer but the last wrong since I put a tanh there?",
        "the chain rule multiplies by the slope: dx = dy·∂y/∂x, which is 1 − y² for tanh and y·(1 − y) for sigmoid";
    /// dx = dy behind a Dropout
    DropoutMaskMissing = "dropout-mask-missing",
        "the gradient passes a Dropout as if it were not there",
        "does dropout have a backward pass?",
        "dx = dy·mask/(1 − p), with the mask of the forward pass";
    /// dx = dy·w instead of dy·wᵀ
    WeightNotTransposed = "weight-not-transposed",
        "dx = dy·w, which fits only where the layer is square",
        "why does it run with 50-50 and not with 50-10?",
        "dx = dy·wᵀ: (N, O)·(O, I) is (N, I)";
    /// w reshaped to (O, I) instead of transposed
    WeightReshaped = "weight-reshaped",
        "w is reshaped where it should be transposed: the shape fits, the numbers are elsewhere",
        "isn't w.reshape(10, 50) the same as w.T?",
        "dx = dy·wᵀ, with w.T: a reshape keeps the order of the numbers, a transpose exchanges rows and columns";
    /// dx = dy·dwᵀ
    GradientForWeight = "gradient-for-weight",
        "the gradient of the weight is used where the weight itself belongs",
        "is it w or w.g that goes into the layer below?",
        "dx = dy·wᵀ: the weight passes the gradient on, dw is what SGD takes";
    /// 2·(z − t·wᵀ)/N instead of 2·(z − t)·wᵀ/N
    MisplacedBracket = "misplaced-bracket",
        "the bracket closes too late: 2·(z − t·wᵀ)/N instead of 2·(z − t)·wᵀ/N",
        "why is only the layer below wrong?",
        "first dz = 2·(z − t)/N, then dx = dz·wᵀ";
    /// dw from the x before the activation
    BeforeActivationInDw = "before-activation-in-dw",
        "dw is made with the numbers before the activation, not with those that went into the layer",
        "is it l1 or l2 that w2 was multiplied by?",
        "dw = xᵀ·dy, with the x of the forward pass: behind the activation";
    /// dw from the x of another layer
    AnotherInputInDw = "another-input-in-dw",
        "dw is made with the input of another layer",
        "which of my saved inputs belongs to this layer?",
        "dw = xᵀ·dy, with the x that went into this very layer";
    /// dw = xᵀ·dy of one image
    WeightNotSummed = "weight-not-summed",
        "the gradient of the weight is that of one image, not the sum over the batch",
        "why does my loss jump about although the batch is large?",
        "dw = Σₙ x[n]ᵀ·dy[n] = xᵀ·dy: all images of the batch";
    /// db = dy of one image
    BiasNotSummed = "bias-not-summed",
        "the gradient of the bias is not summed over the batch: it is that of one image",
        "what shape does the gradient of a bias have?",
        "db = Σₙ dy[n]: the bias is added in every row, so all rows count";
    /// db = (1/N) Σₙ dy
    BiasAveraged = "bias-averaged",
        "the gradient of the bias is a mean over the batch, though dy has its 1/N already",
        "why do my biases learn so slowly?",
        "db = Σₙ dy[n]: the 1/N is in dz already";
    /// db = Σ of everything
    BiasScalar = "bias-scalar",
        "the gradient of the bias is one number for all units: summed over every axis",
        "do I write .sum() or .sum(0)?",
        "db[o] = Σₙ dy[n][o], one number a unit: sum over axis 0 only";
    /// 0
    GradientZero = "gradient-zero",
        "the gradient is zero everywhere: it was never computed, or set to zero before it was saved",
        "why does this layer never change?",
        "db = Σₙ dy[n] and dw = xᵀ·dy, saved after backward and before anything sets them to zero";
}

impl Mistake {
    /// Its name in flags.
    pub fn name(self) -> &'static str {
        self.text().name
    }

    /// What is wrong.
    pub fn what(self) -> &'static str {
        self.text().what
    }

    /// The question that leads people to it.
    pub fn question(self) -> &'static str {
        self.text().question
    }

    /// The formula that mends it.
    pub fn mend(self) -> &'static str {
        self.text().mend
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no mistake of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no known mistake has this name")]
pub struct UnknownMistake;

impl FromStr for Mistake {
    type Err = UnknownMistake;

    fn from_str(text: &str) -> Result<Self, UnknownMistake> {
        let mut all = Self::ALL.iter().copied();
        all.find(|mistake| mistake.name() == text)
            .ok_or(UnknownMistake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_files_have_the_same_names() {
        for &mistake in Mistake::ALL {
            assert_eq!(mistake.name().parse(), Ok(mistake));
            let json = serde_json::to_string(&mistake).unwrap();
            assert_eq!(json, format!("\"{mistake}\""));
        }
        assert_eq!("relu".parse::<Mistake>(), Err(UnknownMistake));
    }
}
