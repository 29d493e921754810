//! Checks the configuration and writes the permissions of the commands.

fn main() {
    tauri_build::build();
}
