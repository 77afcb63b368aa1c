// Gives the program the names, with versions, of what it measures.

use std::{env, fs, process::Command};

/// "tokio", "1.24.2" -> "tokio-1.24"
fn named(name: &str, version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or("0");
    let minor = parts.next().unwrap_or("0");
    format!("{}-{}.{}", name, major, minor)
}

/// The version of a crate in the lock file that cargo has just written.
fn locked(lock: &str, name: &str) -> String {
    let head = format!("name = \"{}\"\nversion = \"", name);
    let at = lock.find(&head).expect(name) + head.len();
    lock[at..].split('"').next().unwrap().to_string()
}

fn publish(key: &str, name: &str, version: &str) {
    println!("cargo:rustc-env={}={}", key, named(name, version));
    println!("cargo:rustc-env={}_VERSION={}", key, version);
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    for (key, name) in [
        ("TOKIO", "tokio"),
        ("CROSSBEAM", "crossbeam-channel"),
        ("FLUME", "flume"),
        ("ASYNC_CHANNEL", "async-channel"),
        ("PARKING_LOT", "parking_lot"),
    ] {
        publish(key, name, &locked(&lock, name));
    }
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let out = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc");
    let text = String::from_utf8_lossy(&out.stdout);
    publish("STD", "rust-std", text.split(' ').nth(1).unwrap_or("0.0"));
}
