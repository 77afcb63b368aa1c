//! The peers in Rust: tokio, crossbeam-channel, flume, async-channel,
//! parking_lot and the standard library. What each workload is and how it is
//! printed is said in ../README.md.

mod channels;
mod channels_threads;
mod contended;
mod contended_threads;
mod fanout;
mod measure;
mod names;
mod net;
mod roundtrips;
mod scale;
mod tasks;
mod uncontended;
mod uncontended_threads;

use measure::{List, Load, Workload};
use std::ffi::CString;
use std::io::Write;
use std::process::exit;

fn workloads() -> List {
    let mut list = List::default();

    uncontended::add(&mut list);
    uncontended_threads::add(&mut list);
    contended::add(&mut list);
    contended_threads::add(&mut list);
    channels::add(&mut list);
    channels_threads::add(&mut list);
    roundtrips::add(&mut list);
    fanout::add(&mut list);
    tasks::add(&mut list);
    net::add(&mut list);
    scale::add(&mut list);
    list
}

/// An extended regular expression of the C library, as everywhere here.
struct Filter(libc::regex_t);

impl Filter {
    fn new(pattern: &str) -> Filter {
        let mut compiled = std::mem::MaybeUninit::<libc::regex_t>::zeroed();
        let text = CString::new(pattern).unwrap_or_else(|_| usage());
        let flags = libc::REG_EXTENDED | libc::REG_NOSUB;
        let r = unsafe { libc::regcomp(compiled.as_mut_ptr(), text.as_ptr(), flags) };

        if r != 0 {
            eprintln!("peer-rust: bad pattern: {}", pattern);
            exit(2);
        }
        Filter(unsafe { compiled.assume_init() })
    }

    fn matches(&self, w: &Workload) -> bool {
        let text = CString::new(format!("{} {}", w.who, w.name)).unwrap();

        unsafe { libc::regexec(&self.0, text.as_ptr(), 0, std::ptr::null_mut(), 0) == 0 }
    }
}

fn usage() -> ! {
    eprintln!("usage: peer-rust [--list] [--version] [--filter REGEX] [--scale F]");
    exit(2);
}

fn run(w: &Workload, scale: f64) {
    let load = Load {
        ops: ((w.ops as f64 * scale) as u64).max(1),
        scale,
    };
    for line in (w.run)(&load) {
        println!("{} {}{} {}", w.who, w.name, line.suffix, line.measured);
    }
    std::io::stdout().flush().expect("stdout");
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut list, mut scale, mut filter) = (false, 1.0, None);

    while let Some(a) = args.next() {
        match a.as_str() {
            "--list" => list = true,
            "--version" => return names::print_versions(),
            "--filter" => filter = Some(Filter::new(&args.next().unwrap_or_else(|| usage()))),
            "--scale" => match args.next().and_then(|s| s.parse().ok()) {
                Some(f) if f > 0.0 => scale = f,
                _ => usage(),
            },
            _ => usage(),
        }
    }
    // Whatever goes wrong, on whichever thread, is the end of the program.
    std::panic::set_hook(Box::new(|why| {
        eprintln!("peer-rust: {}", why);
        exit(1);
    }));
    // The C library takes short cuts until a second thread has run.
    std::thread::spawn(|| ()).join().unwrap();

    for w in &workloads().0 {
        if filter.as_ref().map_or(false, |f| !f.matches(w)) {
            continue;
        }
        if list {
            println!("{} {}", w.who, w.name);
        } else {
            run(w, scale);
        }
    }
}
