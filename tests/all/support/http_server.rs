//! A web server on the loopback interface that misbehaves on request.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// What the server does with a request.
pub enum Reply {
    /// 200 and this body.
    Body(Vec<u8>),
    /// This status and an HTML page.
    Page(u16),
    /// 200 and the body, after a promise of so many more bytes.
    Short(Vec<u8>, usize),
    /// Closes the connection without a word.
    Drop,
    /// 200 and the first bytes of a long body, and then nothing.
    Stall,
    /// 200 and a long body, a byte at a time.
    Drip,
    /// 302 to this address.
    Redirect(String),
    /// 200 and a body without end.
    Endless,
}

/// Starts a server that answers each path with `reply(path)`; returns its address. It lives as long as the process.
pub fn serve(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/mnist", listener.local_addr().unwrap());
    let reply = Arc::new(reply);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            // The client may hang up at any time: that is what some tests are about.
            thread::spawn(move || {
                let _ = answer(stream, &*reply);
            });
        }
    });
    address
}

fn answer(mut stream: TcpStream, reply: &dyn Fn(&str) -> Reply) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|l| !l.is_empty()))
    {}
    let path = request.split(' ').nth(1).unwrap_or("/");
    let mut head = |status: u16, more: &str| {
        write!(
            stream,
            "HTTP/1.1 {status} x\r\nConnection: close\r\n{more}\r\n"
        )
    };
    match reply(path) {
        Reply::Body(body) => {
            head(200, &format!("Content-Length: {}\r\n", body.len()))?;
            stream.write_all(&body)
        }
        Reply::Page(status) => {
            let page = "<!DOCTYPE html><title>Sorry</title>";
            head(status, &format!("Content-Length: {}\r\n", page.len()))?;
            stream.write_all(page.as_bytes())
        }
        Reply::Short(body, missing) => {
            head(
                200,
                &format!("Content-Length: {}\r\n", body.len() + missing),
            )?;
            stream.write_all(&body)
        }
        Reply::Drop => Ok(()),
        Reply::Stall => {
            head(200, "Content-Length: 4542\r\n")?;
            stream.write_all(&[0x1f, 0x8b, 8, 0])?;
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Reply::Drip => {
            head(200, "Content-Length: 4542\r\n")?;
            loop {
                stream.write_all(&[0x1f])?;
                thread::sleep(Duration::from_millis(50));
            }
        }
        Reply::Redirect(to) => head(302, &format!("Location: {to}\r\nContent-Length: 0\r\n")),
        Reply::Endless => {
            head(200, "")?;
            loop {
                stream.write_all(&[0x1f; 4096])?;
            }
        }
    }
}
