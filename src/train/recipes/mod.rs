//! Published results on MNIST with plain MLPs, each with flags of `mlp train` to reproduce it.
//!
//! Networks, losses and distortions are the published ones, with two exceptions: the alpha of
//! simard2003-mse-elastic, and the committee, whose networks are smaller and see deslanted images. Schedules
//! are ours where the published one takes hours or is not stated: Nesterov momentum 0.9, a warm-up and a
//! cosine. The results here are in [`Recipe::measured`], from `scripts/reproduce.sh`.

mod measured;

pub use measured::{Run, median};

/// A recipe.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Its name, for `--recipe`.
    pub name: &'static str,
    /// The publication it comes from.
    pub source: &'static str,
    /// The published error in per cent: on the test set, unless it says otherwise.
    pub published: &'static str,
    /// Its flags for `mlp train`.
    pub flags: &'static str,
    /// How many networks are trained with these flags, with consecutive random seeds. If more than 1, they
    /// form a committee, whose probabilities are averaged (`mlp eval a.bin b.bin …`).
    pub members: u64,
}

/// Every recipe.
pub const RECIPES: [Recipe; 19] = [
    Recipe {
        name: "lesson",
        source: "fast.ai, course 22 part 2, lesson 13",
        published: "3 to 4 (validation)",
        flags: "--hidden 50 --batch-size 50 --lr 0.5 --epochs 3",
        members: 1,
    },
    Recipe {
        name: "lecun1998-300",
        source: "LeCun, Bottou, Bengio, Haffner 1998",
        published: "4.7",
        flags: "--hidden 300 --activation tanh --loss mse --batch-size 32 --lr 0.05 --momentum 0.9 --nesterov --epochs 20 \
                --schedule cosine --warm-up 1",
        members: 1,
    },
    Recipe {
        name: "lecun1998-300-100",
        source: "LeCun, Bottou, Bengio, Haffner 1998",
        published: "3.05",
        flags: "--hidden 300,100 --activation tanh --loss mse --batch-size 32 --lr 0.05 --momentum 0.9 --nesterov --epochs 20 \
                --schedule cosine --warm-up 1",
        members: 1,
    },
    Recipe {
        name: "lecun1998-affine",
        source: "LeCun, Bottou, Bengio, Haffner 1998, 300-100 with distortions",
        published: "2.5",
        flags: "--hidden 300,100 --activation tanh --loss mse --batch-size 32 --lr 0.05 --momentum 0.9 --nesterov --epochs 30 \
                --schedule cosine --warm-up 1 --augment lecun1998",
        members: 1,
    },
    Recipe {
        name: "hinton2005",
        source: "Hinton, Osindero, Teh 2006, backpropagation 784-500-300-10 with weight decay",
        published: "1.53",
        flags: "--hidden 500,300 --batch-size 64 --lr 0.05 --momentum 0.9 --nesterov --weight-decay 5e-5 --epochs 30 \
                --schedule cosine --warm-up 1",
        members: 1,
    },
    Recipe {
        name: "simard2003",
        source: "Simard, Steinkraus, Platt 2003, 800 units, cross-entropy",
        published: "1.6",
        flags: "--hidden 800 --batch-size 64 --lr 0.05 --momentum 0.9 --nesterov --weight-decay 5e-5 --epochs 30 \
                --schedule cosine --warm-up 1",
        members: 1,
    },
    Recipe {
        name: "simard2003-affine",
        source: "Simard, Steinkraus, Platt 2003, 800 units, cross-entropy, affine distortions",
        published: "1.1",
        flags: "--hidden 800 --batch-size 64 --lr 0.05 --momentum 0.9 --nesterov --weight-decay 1e-5 --epochs 60 \
                --schedule cosine --warm-up 1 --augment simard2003-affine",
        members: 1,
    },
    Recipe {
        name: "simard2003-elastic",
        source: "Simard, Steinkraus, Platt 2003, 800 units, cross-entropy, elastic distortions",
        published: "0.7",
        flags: "--hidden 800 --batch-size 64 --lr 0.05 --momentum 0.9 --nesterov --weight-decay 1e-5 --epochs 100 \
                --schedule cosine --warm-up 1 --augment simard2003",
        members: 1,
    },
    Recipe {
        name: "simard2003-mse-elastic",
        source: "Simard, Steinkraus, Platt 2003, 800 units, mse, elastic distortions",
        published: "0.9",
        flags: "--hidden 800 --loss mse --batch-size 64 --lr 0.8 --momentum 0.9 --nesterov --epochs 100 \
                --schedule cosine --warm-up 3 --augment simard2003 --alpha 20",
        members: 1,
    },
    Recipe {
        name: "srivastava2014",
        source: "Srivastava et al. 2014, dropout and max-norm",
        published: "1.06",
        flags: "--hidden 1024,1024,1024 --dropout 0.2,0.5 --max-norm 2 --momentum 0.95 --batch-size 128 --lr 0.05 \
                --epochs 200 --schedule linear --warm-up 2",
        members: 1,
    },
    Recipe {
        name: "srivastava2014-no-max-norm",
        source: "Srivastava et al. 2014, dropout",
        published: "1.25",
        flags: "--hidden 1024,1024,1024 --dropout 0.2,0.5 --momentum 0.95 --batch-size 128 --lr 0.02 --epochs 200 \
                --schedule linear --warm-up 2",
        members: 1,
    },
    Recipe {
        name: "ciresan2010-1000-500",
        source: "Cireşan, Meier, Gambardella, Schmidhuber 2010",
        published: "0.49",
        flags: "--hidden 1000,500 --batch-size 128 --lr 0.2 --momentum 0.9 --nesterov --weight-decay 5e-5 \
                --epochs 120 --schedule cosine --warm-up 1 --valid 5000 --augment ciresan2010",
        members: 1,
    },
    Recipe {
        name: "ciresan2010-1500-1000-500",
        source: "Cireşan, Meier, Gambardella, Schmidhuber 2010",
        published: "0.46",
        flags: "--hidden 1500,1000,500 --batch-size 128 --lr 0.2 --momentum 0.9 --nesterov --weight-decay 5e-5 \
                --epochs 150 --schedule cosine --warm-up 1 --valid 0 --augment ciresan2010",
        members: 1,
    },
    Recipe {
        name: "ciresan2010-large",
        source: "Cireşan, Meier, Gambardella, Schmidhuber 2010",
        published: "0.35",
        flags: "--hidden 2500,2000,1500,1000,500 --batch-size 128 --lr 0.15 --momentum 0.9 --nesterov \
                --weight-decay 5e-5 --epochs 250 --schedule cosine --warm-up 2 --valid 0 --augment ciresan2010",
        members: 1,
    },
    Recipe {
        name: "ciresan2010-committee",
        source: "Cireşan, Meier, Gambardella, Schmidhuber 2010, their large network; ours is of seven 1500-1000-500, deslanted images and smoothed labels",
        published: "0.31",
        flags: "--hidden 1500,1000,500 --batch-size 128 --lr 0.2 --momentum 0.9 --nesterov --weight-decay 5e-5 \
                --label-smoothing 0.05 --epochs 300 --schedule cosine --warm-up 1 --valid 0 --augment ciresan2010 --deslant",
        members: 7,
    },
    Recipe {
        name: "simard2003-adamw",
        source: "ours: the network of simard2003 with AdamW, in about the same seconds",
        published: "none",
        flags: "--hidden 800 --batch-size 64 --optimizer adamw --lr 0.002 --weight-decay 0.3 --epochs 25 --schedule cosine \
                --warm-up 1",
        members: 1,
    },
    Recipe {
        name: "fast-98",
        source: "ours: the shortest time to 98 %",
        published: "none",
        flags: "--hidden 128 --batch-size 64 --lr 0.08 --momentum 0.9 --nesterov --epochs 6 --schedule cosine \
                --warm-up 1 --valid 5000",
        members: 1,
    },
    Recipe {
        name: "fast-99",
        source: "ours: the shortest time to 99 %",
        published: "none",
        flags: "--hidden 512 --batch-size 64 --lr 0.08 --momentum 0.9 --nesterov --epochs 14 --schedule cosine \
                --warm-up 1 --valid 5000 --augment simard2003 --alpha 25",
        members: 1,
    },
    Recipe {
        name: "fast-99.5",
        source: "ours: the shortest time to 99.5 %",
        published: "none",
        flags: "--hidden 1000,500 --batch-size 128 --lr 0.05 --momentum 0.9 --nesterov --weight-decay 1e-5 --epochs 60 \
                --schedule cosine --warm-up 1 --valid 5000 --augment ciresan2010",
        members: 1,
    },
];

impl Recipe {
    /// The recipe of this name.
    pub fn find(name: &str) -> Option<Self> {
        RECIPES.into_iter().find(|recipe| recipe.name == name)
    }

    /// Its results here, the lowest error first; empty if it has not been run yet.
    pub fn measured(&self) -> Vec<Run> {
        measured::runs(self.name)
    }

    /// Its flags as separate words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.flags.split_whitespace()
    }
}
