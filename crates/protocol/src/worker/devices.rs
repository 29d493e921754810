//! What computes besides the processor, and what it would hold.

use serde::{Deserialize, Serialize};

/// What kind of device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A graphics card with memory of its own.
    Card,
    /// A graphics processor that shares the main memory.
    Integrated,
    /// Another computer's, reached over a connection.
    Remote,
}

/// Something that computes besides the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// llama.cpp's name, for example `CUDA0`.
    pub name: String,
    /// What it is called, for example `NVIDIA GeForce RTX 4060`; the address of a remote one.
    pub description: String,
    /// Through what it is used, for example `CUDA`.
    pub backend: String,
    /// What kind it is.
    pub kind: DeviceKind,
    /// Bytes of its memory.
    pub total: u64,
    /// Bytes that are free now.
    pub free: u64,
}

/// What a device would hold of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceShare {
    /// The device, with what is free of it once the ladder at hand is gone.
    pub device: Device,
    /// About how many bytes it would hold: weights, keys and values, room for passes.
    pub bytes: u64,
    /// The models that have layers there, the target first.
    pub rungs: Vec<RungShare>,
}

/// What a device would hold of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungShare {
    /// Display name.
    pub rung: String,
    /// How many of its layers, the output counted as one.
    pub layers: u32,
    /// How many it has, the output counted as one.
    pub of: u32,
}
