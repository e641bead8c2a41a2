//! Queries over TLS (RFC 7858, RFC 9103): the same answers, under the same limits, and a certificate that can be replaced.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use config::process::TlsOptions;
use consumers::auth::answer::Policy;
use consumers::auth::relay::Relay;
use consumers::auth::tcp::{TcpLimits, TcpServer};
use consumers::auth::tls::{CertificateError, TlsServer, check};
use consumers::handover::{Arrived, FRAME_OCTETS_MAX, Handed};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustix::net::AddressFamily;
use rustix::net::sockopt::socket_domain;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::ask::{Ask, check_frame};
use crate::found::ZONES;
use crate::handover::{ask_until_taken, listen, take_link};

/// A server of a test's own.
struct Scene {
    /// Where it answers over TLS.
    address: SocketAddr,
    /// Its plain side.
    server: Arc<TcpServer>,
    /// Its TLS side.
    tls: Arc<TlsServer>,
    /// Where its certificate is.
    files: Files,
}

/// The files of a certificate and its key.
struct Files {
    /// Them.
    options: TlsOptions,
    /// The folder.
    directory: TempDir,
}

impl Files {
    /// A new certificate.
    fn new() -> (Self, CertificateDer<'static>) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = TlsOptions { certificate: path("tls.pem"), key: path("tls.key") };
        let files = Self { options, directory };
        let made = files.renew();
        (files, made)
    }

    /// Makes another certificate in their place.
    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["ns.example".to_owned()]).unwrap();
        write(&self.options.certificate, &cert.pem(), 0o644);
        write(&self.options.key, &signing_key.serialize_pem(), 0o600);
        cert.der().clone()
    }
}

/// Writes a file, as one that was not there before.
fn write(path: &Path, text: &str, mode: u32) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(draft, path).unwrap();
}

/// Runs a test against a server with these limits.
fn with_server<F: Future<Output = ()>>(limits: TcpLimits, test: impl FnOnce(Scene, CertificateDer<'static>) -> F) {
    let zones = Arc::new(ArcSwapOption::from(Some(Arc::clone(&ZONES))));
    let (files, certificate) = Files::new();
    let xfrout = Some(files.directory.path().join("xfrout.sock"));
    let relay = Relay::new(Arc::default()).0;
    let server = TcpServer::new(zones, Arc::new(Policy::default()), limits, relay, xfrout);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tls = Arc::new(TlsServer::start(vec![listener], &files.options, Arc::clone(&server)).unwrap());
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let scene = Scene { address, server: Arc::clone(&server), tls: Arc::clone(&tls), files };
        tokio::select! {
            ended = server.run(vec![plain]) => panic!("the server ended: {ended:?}"),
            () = test(scene, certificate) => {}
        }
    });
}

/// Connects as a client that trusts one certificate and asks for these protocols.
async fn try_connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("ns.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
}

/// Connects as a client of DNS over TLS.
async fn connect(address: SocketAddr, trusted: &CertificateDer<'static>) -> TlsStream<TcpStream> {
    try_connect(address, trusted, &["dot"]).await.unwrap()
}

/// A message with its length before it.
fn framed(line: &str) -> Vec<u8> {
    let message = Ask::new(line).message;
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

/// Reads one answer, which has to be one to a question.
async fn read_answer(stream: &mut TlsStream<TcpStream>, line: &str) {
    let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut answer).await.unwrap();
    check_frame(&Ask::new(line).message, &answer);
}

/// Waits until something is so.
async fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Scene {
    /// Waits until nothing is held any more.
    async fn until_empty(&self) {
        wait_until(|| self.tls.statistics().open == 0 && self.server.connection_count() == 0).await;
    }
}

#[test]
fn queries_are_answered_in_their_order() {
    with_server(TcpLimits::default(), |scene, certificate| async move {
        let mut stream = connect(scene.address, &certificate).await;
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"dot"[..]));
        assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        let lines =
            ["www.example. A +tcp", "nope.example. A +tcp +do", "chain1.example. TXT +tcp", "sub.example. NS +tcp"];
        let all: Vec<u8> = lines.iter().cycle().take(400).flat_map(|line| framed(line)).collect();
        stream.write_all(&all).await.unwrap();
        for line in lines.iter().cycle().take(400) {
            read_answer(&mut stream, line).await;
        }
        // Who has no more to ask gets what was asked.
        stream.write_all(&framed(lines[0])).await.unwrap();
        stream.shutdown().await.unwrap();
        read_answer(&mut stream, lines[0]).await;
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0, "an end as TLS has it");
        scene.until_empty().await;
        assert_eq!((scene.tls.statistics().accepted, scene.tls.statistics().failed), (1, 0));
    });
}

#[test]
fn a_client_may_name_no_protocol_but_none_other() {
    with_server(TcpLimits::default(), |scene, certificate| async move {
        let mut plain = try_connect(scene.address, &certificate, &[]).await.unwrap();
        plain.write_all(&framed("www.example. A")).await.unwrap();
        read_answer(&mut plain, "www.example. A").await;
        let error = try_connect(scene.address, &certificate, &["h2"]).await.unwrap_err();
        assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
        wait_until(|| scene.tls.statistics().failed == 1).await;
    });
}

#[test]
fn who_speaks_no_tls_is_not_answered() {
    with_server(TcpLimits::default(), |scene, _| async move {
        let mut stream = TcpStream::connect(scene.address).await.unwrap();
        stream.write_all(&framed("www.example. A")).await.unwrap();
        let mut answered = Vec::new();
        // At the most an alert of TLS.
        let _ = stream.read_to_end(&mut answered).await;
        assert!(answered.len() <= 7, "{answered:?}");
        scene.until_empty().await;
        assert_eq!((scene.tls.statistics().failed, scene.server.statistics().queries), (1, 0));
    });
}

#[test]
fn connections_count_from_their_first_octet() {
    let limits = TcpLimits { connections_max: 2, idle_timeout: Duration::from_secs(60), ..TcpLimits::default() };
    with_server(limits, |scene, certificate| async move {
        let mut silent = TcpStream::connect(scene.address).await.unwrap();
        wait_until(|| scene.server.connection_count() == 1).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
        let mut first = connect(scene.address, &certificate).await;
        first.write_all(&framed("www.example. A")).await.unwrap();
        read_answer(&mut first, "www.example. A").await;
        let mut second = connect(scene.address, &certificate).await;
        // The one that was silent longest makes room, in the middle of its handshake.
        assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 0);
        for stream in [&mut first, &mut second] {
            stream.write_all(&framed("www.example. A")).await.unwrap();
            read_answer(stream, "www.example. A").await;
        }
        wait_until(|| scene.tls.statistics().open == 2).await;
        assert_eq!((scene.server.connection_count(), scene.server.statistics().evicted), (2, 1));
    });
}

#[test]
fn a_slow_handshake_and_an_idle_client_are_timed_out() {
    let limits = TcpLimits { idle_timeout: Duration::from_millis(100), ..TcpLimits::default() };
    with_server(limits, |scene, certificate| async move {
        let mut silent = TcpStream::connect(scene.address).await.unwrap();
        let mut idle = connect(scene.address, &certificate).await;
        assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 0);
        assert_eq!(idle.read(&mut [0; 64]).await.unwrap(), 0);
        scene.until_empty().await;
    });
}

#[test]
fn a_client_that_never_reads_is_ended() {
    let limits = TcpLimits { write_timeout: Duration::from_millis(200), ..TcpLimits::default() };
    with_server(limits, |scene, certificate| async move {
        let mut stream = connect(scene.address, &certificate).await;
        let queries = framed("www.example. A").repeat(1000);
        while stream.write_all(&queries).await.is_ok() {}
        scene.until_empty().await;
        assert!(scene.server.statistics().queries > 0);
    });
}

#[test]
fn one_end_of_a_pair_goes_to_xfrout_and_comes_back() {
    with_server(TcpLimits::default(), |scene, certificate| async move {
        let links = listen(&scene.files.directory.path().join("xfrout.sock"));
        let link = take_link(&links).await;
        link.hello().unwrap();
        let mut stream = connect(scene.address, &certificate).await;
        ask_until_taken(&mut stream, &scene.server).await;
        let mut room = vec![0; FRAME_OCTETS_MAX];
        let Ok(Some(Arrived::HandedOver(handed, connection))) = link.receive(&mut room).await else { panic!() };
        assert_eq!(socket_domain(&connection).unwrap(), AddressFamily::UNIX);
        assert_eq!((handed.client, handed.server), (stream.get_ref().0.local_addr().unwrap(), scene.address));
        assert_eq!(handed.request, Ask::new("example. AXFR +tcp +edns=1232").message);
        // What xfrout writes is what the client reads.
        let octets = b"\0\x03two";
        rustix::io::write(&connection, octets).unwrap();
        let mut read = [0; 5];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(read, *octets);
        link.hand_back(Handed { request: &[], ..handed }, connection.as_fd()).unwrap();
        drop(connection);
        stream.write_all(&framed("sub.example. NS +tcp")).await.unwrap();
        read_answer(&mut stream, "sub.example. NS +tcp").await;
        let taken = scene.server.statistics();
        assert_eq!((taken.handed_over, taken.taken_back, scene.tls.statistics().open), (1, 1, 1));
    });
}

#[test]
fn another_certificate_is_taken_when_its_files_change() {
    with_server(TcpLimits::default(), |scene, first| async move {
        let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        let mut old = connect(scene.address, &first).await;
        assert_eq!(shown(&old), first);
        let second = scene.files.renew();
        let mut renewed = None;
        while renewed.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            renewed = try_connect(scene.address, &second, &["dot"]).await.ok();
        }
        assert_eq!(shown(&renewed.unwrap()), second);
        // Who was there before goes on.
        old.write_all(&framed("www.example. A")).await.unwrap();
        read_answer(&mut old, "www.example. A").await;
    });
}

#[test]
fn files_that_are_not_sound_say_what_is_wrong() {
    let (files, _) = Files::new();
    let TlsOptions { certificate, key } = &files.options;
    let sound = [certificate, key].map(|path| std::fs::read_to_string(path).unwrap());
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(check(&files.options).is_ok());
    let long = " ".repeat((1 << 20) + 1);
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let cases: [(&str, &str, u32, &str); 8] = [
        (&sound[0], &sound[1], 0o644, "mode 644; change its mode to 640 or 600"),
        (&sound[0], &sound[1], 0o602, "mode 602"),
        (&sound[0], &other, 0o600, "expected in "),
        (
            &sound[0],
            &sound[0],
            0o600,
            "tls.key, found none; name a file with a line such as -----BEGIN PRIVATE KEY-----",
        ),
        (&sound[1], &sound[1], 0o600, "tls.pem, the server's own first, found none"),
        (broken, &sound[1], 0o600, "expected PEM in "),
        ("", &sound[1], 0o600, "tls.pem, the server's own first, found none"),
        (&long, &sound[1], 0o600, "more than 1 MiB"),
    ];
    for (chain, private, mode, says) in cases {
        write(certificate, chain, 0o644);
        write(key, private, mode);
        let error = check(&files.options).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    std::fs::remove_file(certificate).unwrap();
    assert!(matches!(check(&files.options), Err(CertificateError::Unreadable { path, .. }) if path == *certificate));
}
