//! Tests of the whole engine through what it offers to others.

mod decisions;
mod facts;
mod loading;
mod masking;
mod slicing;
mod standing;
mod world;
