//! One file from one mirror: the connection, its time limits, proxies and certificates.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use md5::Md5;
use sha2::{Digest, Sha256};
use ureq::{
    Agent, Proxy,
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{
    MIRRORS,
    catalogue::{Archive, Checksum},
    idx,
};

/// Where to download from, and how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses of web folders that hold the four .gz files, in the order to try.
    pub mirrors: Vec<String>,
    /// The longest wait for a connection to a mirror, over all its addresses together.
    pub connect_timeout: Duration,
    /// The longest wait without receiving a single byte.
    pub stall_timeout: Duration,
    /// From when on a mirror may be too slow.
    pub slow_after: Duration,
    /// The fewest bytes a second then, on average since the beginning.
    pub slowest: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mirrors: MIRRORS.map(str::to_owned).into(),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            slow_after: Duration::from_secs(60),
            slowest: 10_000,
        }
    }
}

/// The most bytes of a file whose size is not known.
const MOST: u64 = 256 << 20;

/// Downloads one file from one mirror, complete and official; an error is the reason why not. `progress` is told the
/// bytes received so far, and its error ends the download.
///
/// With a time limit to connect in, a proxy's name may be looked up on a thread of its own.
pub(super) fn request(
    url: &str,
    archive: &Archive,
    (connect, stall): (Option<Duration>, Duration),
    mut progress: impl FnMut(u64) -> Result<(), String>,
) -> Result<Vec<u8>, String> {
    let roots = Roots::load();
    // No limit on looking up a name: for one, ureq would start a thread and panic where there can be none.
    let agent: Agent = Agent::config_builder()
        .timeout_connect(connect)
        .timeout_recv_response(Some(stall))
        .timeout_per_read(Some(stall))
        .user_agent(concat!("mlp/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots.certs.clone()).build())
        .build()
        .into();
    let response = agent.get(url).call().map_err(|e| match e {
        ureq::Error::StatusCode(status) => format!("HTTP status {status}"),
        ureq::Error::Timeout(phase) => format!("no answer in time ({phase})"),
        ureq::Error::Io(e) => roots.explain(e.to_string()),
        e => roots.explain(e.to_string()),
    })?;

    let expected = archive.bytes.unwrap_or(MOST) as usize;
    let mut reader = response.into_body().into_reader();
    let mut bytes = Vec::with_capacity(archive.bytes.unwrap_or(0) as usize);
    let mut buffer = vec![0; 1 << 16];
    let mut failed = None;
    while bytes.len() <= expected {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(e) => {
                failed = Some(e);
                break;
            }
        }
        progress(bytes.len() as u64)?;
    }
    if let Some(found) = idx::looks_like(&bytes).filter(|_| !bytes.starts_with(&[0x1f, 0x8b])) {
        return Err(format!("serves {found}, not the file"));
    }
    if let Some(e) = failed {
        let of = archive
            .bytes
            .map_or(String::new(), |all| format!(" of {all}"));
        return Err(format!("broke off after {}{of} bytes: {e}", bytes.len()));
    }
    if bytes.len() > expected {
        return Err(format!(
            "serves more than the {expected} bytes of the official file"
        ));
    }
    if archive.bytes.is_some() && bytes.len() < expected {
        return Err(format!("ends at byte {} of {expected}", bytes.len()));
    }
    let (kind, found, expected) = match archive.checksum {
        Checksum::Sha256(sum) => ("SHA-256", idx::hex(&Sha256::digest(&bytes)), sum),
        Checksum::Md5(sum) => ("MD5", idx::hex(&Md5::digest(&bytes)), sum),
    };
    if found != expected {
        return Err(format!(
            "serves a different file: {kind} {found}, expected {expected}"
        ));
    }
    Ok(bytes)
}

/// An error if a download that began then has been too slow for long enough.
pub(super) fn check_speed(options: &Options, begun: Instant, received: u64) -> Result<(), String> {
    let time = begun.elapsed();
    let least = options.slowest as f64 * time.as_secs_f64();
    match time >= options.slow_after && (received as f64) < least {
        false => Ok(()),
        true => Err(format!(
            "too slow: {received} bytes in {:.0} s, expected at least {} a second",
            time.as_secs_f64(),
            options.slowest
        )),
    }
}

/// The variable that names the proxy that an address is fetched through, and the proxy, without its password.
pub(super) fn proxy(url: &str) -> Option<(&'static str, String)> {
    let proxy = Proxy::try_from_env()?;
    if proxy.is_no_proxy(&url.parse().ok()?) {
        return None;
    }
    // In the order that they are looked at.
    let names = [
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ];
    let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| Proxy::new(&value).is_ok());
    let name = names.into_iter().find(is_set)?;
    let scheme = proxy.uri().scheme_str().unwrap_or("http");
    Some((
        name,
        format!("{scheme}://{}:{}", proxy.host(), proxy.port()),
    ))
}

/// The authorities whose certificates are accepted: those of the system, or of SSL_CERT_FILE and SSL_CERT_DIR.
/// Where there are none, as in a small container, Mozilla's.
struct Roots {
    certs: RootCerts,
    /// What could not be read of the system's.
    faults: Vec<String>,
}

impl Roots {
    fn load() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let certs: Vec<_> = found
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        Self {
            certs: match certs.is_empty() {
                true => RootCerts::WebPki,
                false => RootCerts::new_with_certs(&certs),
            },
            faults: found.errors.iter().map(ToString::to_string).collect(),
        }
    }

    /// What can be done about a certificate that is not accepted.
    fn explain(&self, reason: String) -> String {
        if !reason.contains("UnknownIssuer") {
            return reason;
        }
        let faults: String = self.faults.iter().map(|f| format!("; {f}")).collect();
        format!(
            "{reason}: expected one that an authority known to this system has signed; a company's own is known once \
             SSL_CERT_FILE names a file (PEM) that holds its certificate{faults}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_authority_is_answered_with_what_makes_it_known() {
        let roots = Roots {
            certs: RootCerts::WebPki,
            faults: vec!["no such file".into()],
        };
        let unknown = roots.explain("invalid peer certificate: UnknownIssuer".into());
        assert!(unknown.contains("SSL_CERT_FILE"), "{unknown}");
        assert!(unknown.ends_with("; no such file"), "{unknown}");
        let expired = "invalid peer certificate: Expired".to_owned();
        assert_eq!(roots.explain(expired.clone()), expired);
    }

    #[test]
    fn a_drip_is_too_slow_once_its_time_is_over() {
        let options = Options {
            slow_after: Duration::from_secs(60),
            slowest: 10_000,
            ..Options::default()
        };
        let ago = |seconds| {
            let now = Instant::now();
            now.checked_sub(Duration::from_secs(seconds))
        };
        // A machine that has just been started knows of no earlier time.
        let (Some(early), Some(late)) = (ago(30), ago(61)) else {
            return;
        };
        assert_eq!(check_speed(&options, early, 0), Ok(()));
        assert_eq!(check_speed(&options, late, 1_000_000), Ok(()));
        let reason = check_speed(&options, late, 60).unwrap_err();
        assert_eq!(
            reason,
            "too slow: 60 bytes in 61 s, expected at least 10000 a second"
        );
    }
}
