//! echo.64: connections over loopback, client and server in the process.

use crate::measure::{check, ct, mt, Gate, List, Measured};
use crate::names::TOKIO;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: u64 = 64;
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

async fn echo(ops: u64) -> Measured {
    let each = (ops / CONNECTIONS).max(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = Arc::new(Gate::new());
    let (mut clients, mut servers) = (Vec::new(), Vec::new());

    for _ in 0..CONNECTIONS {
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();

        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        servers.push(tokio::spawn(serve(server)));
        clients.push(tokio::spawn(ask(client, gate.clone(), each)));
    }
    let t = gate.start(CONNECTIONS as usize).await;
    for client in clients {
        client.await.unwrap();
    }
    let m = t.stop(each * CONNECTIONS);
    for server in servers {
        server.await.unwrap();
    }
    m
}

pub fn add(list: &mut List) {
    list.add(TOKIO, "echo.64.mt", 256_000, |l| mt(echo(l.ops)));
    list.add(TOKIO, "echo.64.ct", 256_000, |l| ct(echo(l.ops)));
}
