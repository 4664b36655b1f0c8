//! Tests of the whole engine through what it offers to others.

mod decisions;
mod endpoints;
mod facts;
mod loading;
mod masking;
mod slicing;
mod standing;
mod world;
