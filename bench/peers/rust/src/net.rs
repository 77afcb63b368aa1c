//! echo.*: connections over loopback, client and server in the process.

use crate::measure::{check, ct, mt, Gate, List, Measured};
use crate::names::TOKIO;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BYTES: usize = 64;

async fn serve(mut s: TcpStream) {
    let mut b = [0; BYTES];

    while s.read_exact(&mut b).await.is_ok() {
        s.write_all(&b).await.unwrap();
    }
}

async fn ask(mut s: TcpStream, gate: Arc<Gate>, each: u64) {
    let mut request = [7; BYTES];
    let mut reply = [0; BYTES];

    gate.pass().await;
    for i in 0..each {
        request[..8].copy_from_slice(&i.to_ne_bytes());
        s.write_all(&request).await.unwrap();
        s.read_exact(&mut reply).await.unwrap();
        check(request == reply, "echo");
    }
}

async fn echo(connections: u64, ops: u64) -> Measured {
    let each = (ops / connections).max(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = Arc::new(Gate::new());
    let (mut clients, mut servers) = (Vec::new(), Vec::new());

    for _ in 0..connections {
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();

        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        servers.push(tokio::spawn(serve(server)));
        clients.push(tokio::spawn(ask(client, gate.clone(), each)));
    }
    let t = gate.start(connections as usize).await;
    for client in clients {
        client.await.unwrap();
    }
    let m = t.stop(each * connections);
    for server in servers {
        server.await.unwrap();
    }
    m
}

pub fn add(list: &mut List) {
    list.add(TOKIO, "echo.64.mt", 256_000, |l| mt(echo(64, l.ops)));
    list.add(TOKIO, "echo.64.ct", 256_000, |l| ct(echo(64, l.ops)));
    list.add(TOKIO, "echo.1000.mt", 256_000, |l| mt(echo(1000, l.ops)));
    list.add(TOKIO, "echo.1000.ct", 256_000, |l| ct(echo(1000, l.ops)));
}
