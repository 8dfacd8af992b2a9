//! What is wrong with a profile is told all at once, where it is: each kind of slip, drawn with its caret.

mod any;
mod drawn;
mod faults;
mod load;
mod strategies;
mod words;
