//! What is measured, by name and version (from build.rs).

pub const TOKIO: &str = env!("TOKIO");
pub const TOKIO_FLUME: &str = concat!(env!("TOKIO"), "+", env!("FLUME"));
pub const TOKIO_ASYNC: &str = concat!(env!("TOKIO"), "+", env!("ASYNC_CHANNEL"));
pub const CROSSBEAM: &str = env!("CROSSBEAM");
pub const FLUME: &str = env!("FLUME");
pub const ASYNC: &str = env!("ASYNC_CHANNEL");
pub const PARKING_LOT: &str = env!("PARKING_LOT");
pub const STD: &str = env!("STD");
pub const STD_PARK: &str = concat!(env!("STD"), "/park");

pub fn print_versions() {
    println!("{} tokio {}", TOKIO, env!("TOKIO_VERSION"));
    println!(
        "{} tokio {} with flume {}",
        TOKIO_FLUME,
        env!("TOKIO_VERSION"),
        env!("FLUME_VERSION")
    );
    println!(
        "{} tokio {} with async-channel {}",
        TOKIO_ASYNC,
        env!("TOKIO_VERSION"),
        env!("ASYNC_CHANNEL_VERSION")
    );
    println!(
        "{} crossbeam-channel {}",
        CROSSBEAM,
        env!("CROSSBEAM_VERSION")
    );
    println!("{} flume {}", FLUME, env!("FLUME_VERSION"));
    println!("{} async-channel {}", ASYNC, env!("ASYNC_CHANNEL_VERSION"));
    println!(
        "{} parking_lot {}",
        PARKING_LOT,
        env!("PARKING_LOT_VERSION")
    );
    for name in [STD, STD_PARK] {
        println!("{} Rust's standard library {}", name, env!("STD_VERSION"));
    }
}
