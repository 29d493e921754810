//! What stops the reading of a header, and in which field of the file.

use std::rc::Rc;
use std::{fmt, io};

use protocol::{Code, Problem};

use crate::name::in_one_line;

/// A field of a GGUF file, in the order in which they lie in it. Names are as the file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// The four letters it begins with.
    Magic,
    Version,
    TensorCount,
    KeyCount,
    /// All keys with their values, which are said to be so many.
    Keys(u64),
    /// All descriptions of tensors, which are said to be so many.
    Tensors(u64),
    /// The name of a key that cannot be called by it yet; from 1.
    KeyName(u64),
    /// The value of a key.
    Key(Rc<str>),
    /// The name of a tensor that cannot be called by it yet; from 1.
    TensorName(u64),
    /// The description of a tensor.
    Tensor(Rc<str>),
    /// What lies behind the header.
    Weights,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("the first four bytes"),
            Self::Version => f.write_str("the version of GGUF"),
            Self::TensorCount => f.write_str("the number of tensors"),
            Self::KeyCount => f.write_str("the number of keys"),
            Self::Keys(count) => write!(f, "the keys, said to be {count}"),
            Self::Tensors(count) => write!(f, "the tensors, said to be {count}"),
            Self::KeyName(number) => write!(f, "the name of key {number}"),
            Self::Key(name) => write!(f, "the key “{}”", in_one_line(name)),
            Self::TensorName(number) => write!(f, "the name of tensor {number}"),
            Self::Tensor(name) => write!(f, "the tensor “{}”", in_one_line(name)),
            Self::Weights => f.write_str("the weights"),
        }
    }
}

/// What stops the reading of a header.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is nothing in it.
    Empty,
    /// It is no GGUF.
    Foreign,
    /// The field goes on behind the end of the file.
    Truncated(Field),
    /// The field contradicts itself, another one or the format.
    Refused(Field, String),
    /// It is a further part of a model in several files, which does not say what the model is.
    FurtherPart,
    /// The file cannot be read.
    Io(io::Error),
}

impl Fault {
    /// As it is told of the file that is called `name`.
    pub(super) fn problem(self, name: &dyn fmt::Display) -> Problem {
        let problem = |code| Problem::new(code).with("path", name);
        match self {
            Self::Empty => problem(Code::ModelEmpty),
            Self::Foreign => problem(Code::NotGguf),
            Self::Truncated(field) => {
                problem(Code::ModelTruncated).with("reason", format_args!("it ends in the middle of {field}"))
            }
            Self::Refused(field, reason) => {
                problem(Code::ModelRefused).with("reason", format_args!("in {field}: {reason}"))
            }
            Self::FurtherPart => problem(Code::FurtherPart),
            Self::Io(error) => problem(Code::ModelUnreadable).with("reason", error),
        }
    }
}
