//! What the server shows of itself: a certificate chain and its private key, both of files in PEM, taken anew when these change.
//!
//! Read [`Certificate`] first.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use config::process::TlsOptions;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificate there is.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Its files.
    options: TlsOptions,
    /// It, with its key.
    current: ArcSwap<CertifiedKey>,
    /// What its files were like before they were read.
    opened: [Option<Stamp>; 2],
}

impl Certificate {
    /// Reads it.
    pub(super) fn open(options: &TlsOptions) -> Result<Self, CertificateError> {
        let opened = stamps(options);
        let current = ArcSwap::from_pointee(load(options)?);
        Ok(Self { options: options.clone(), current, opened })
    }

    /// Looks at its files for ever, and takes what changes in them.
    pub(super) async fn follow(&self) {
        let mut looks = Looks { taken: self.opened, seen: self.opened };
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let path = self.options.certificate.display();
            match self.look(&mut looks) {
                None => {}
                Some(Ok(())) => tracing::info!(certificate = %path, "certificate-loaded"),
                Some(Err(error)) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(certificate = %path, %error, cause, "certificate-not-loaded");
                }
            }
        }
    }

    /// Looks at its files once. They are taken when they have changed and are as they were at the look before: so the two may be written one after
    /// the other. What is not sound is not taken.
    fn look(&self, looks: &mut Looks) -> Option<Result<(), CertificateError>> {
        let found = stamps(&self.options);
        let is_settled = found == looks.seen;
        looks.seen = found;
        if !is_settled || found == looks.taken {
            return None;
        }
        looks.taken = found;
        Some(load(&self.options).map(|loaded| self.current.store(Arc::new(loaded))))
    }
}

/// What the files were like.
#[derive(Clone, Copy, Debug)]
struct Looks {
    /// When they were last read.
    taken: [Option<Stamp>; 2],
    /// At the last look.
    seen: [Option<Stamp>; 2],
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells one version of a file from another: its device and number, when it was changed and when its mode was, and how long it is.
type Stamp = (u64, u64, (i64, i64), (i64, i64), u64);

/// What the files are like; nothing of one that is not there.
fn stamps(options: &TlsOptions) -> [Option<Stamp>; 2] {
    let stamp = |found: Metadata| {
        let (modified, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
        (found.dev(), found.ino(), modified, changed, found.len())
    };
    [&options.certificate, &options.key].map(|path| std::fs::metadata(path).ok().map(stamp))
}

/// Reads both files, and finds out whether they belong together.
pub(super) fn load(options: &TlsOptions) -> Result<CertifiedKey, CertificateError> {
    let TlsOptions { certificate, key } = options;
    let (chain, _) = read(certificate)?;
    let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| CertificateError::Pem { path: certificate.clone(), error })?;
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate { path: certificate.clone() });
    }
    let (octets, mode) = read(key)?;
    if mode & MODE_OF_OTHERS != 0 {
        return Err(CertificateError::Exposed { path: key.clone(), mode: mode & MODE_PERMISSIONS });
    }
    let private = PrivateKeyDer::from_pem_slice(&octets).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateError::NoKey { path: key.clone() },
        error => CertificateError::Pem { path: key.clone(), error },
    })?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| CertificateError::Unfit {
        certificate: certificate.clone(),
        key: key.clone(),
        error,
    })
}

/// Reads a file; with its mode.
fn read(path: &Path) -> Result<(Vec<u8>, u32), CertificateError> {
    let failed = |error| CertificateError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    let mut octets = Vec::new();
    let length = file.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(failed)?;
    if length as u64 > FILE_OCTETS_MAX {
        return Err(CertificateError::TooLong { path: path.to_owned() });
    }
    Ok((octets, mode))
}

/// A chain of many certificates is some ten KiB long.
const FILE_OCTETS_MAX: u64 = 1 << 20;

/// What others may do with a file: read it, write it.
const MODE_OF_OTHERS: u32 = 0o006;

/// What of a mode is about who may do what.
const MODE_PERMISSIONS: u32 = 0o777;

/// Why a certificate is not taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file can't be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is longer than any of its kind.
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// A file is not PEM.
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// There is no certificate in its file.
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in its file.
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or write the key.
    Exposed {
        /// Its file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key is none of the certificate's, or of a kind that is not known.
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "reading {}", path.display()),
            Self::TooLong { path } => {
                write!(
                    f,
                    "expected a certificate or a key in {}, found more than 1 MiB; name another file",
                    path.display()
                )
            }
            Self::Pem { path, .. } => write!(f, "expected PEM in {}, found something else", path.display()),
            Self::NoCertificate { path } => write!(
                f,
                "expected certificates in {}, the server's own first, found none; name a file with lines such as -----BEGIN CERTIFICATE-----",
                path.display()
            ),
            Self::NoKey { path } => write!(
                f,
                "expected a private key in {}, found none; name a file with a line such as -----BEGIN PRIVATE KEY-----",
                path.display()
            ),
            Self::Exposed { path, mode } => write!(
                f,
                "expected a file that others can't read or write, found {} with mode {mode:03o}; change its mode to 640 or 600",
                path.display()
            ),
            Self::Unfit { certificate, key, .. } => write!(
                f,
                "expected in {} the key of the first certificate in {}, found another or one that can't be used",
                key.display(),
                certificate.display()
            ),
        }
    }
}

impl std::error::Error for CertificateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::Pem { error, .. } => Some(error),
            Self::Unfit { error, .. } => Some(error),
            Self::TooLong { .. } | Self::NoCertificate { .. } | Self::NoKey { .. } | Self::Exposed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, generate_simple_self_signed};

    use super::*;

    /// Writes another certificate, or its key alone.
    fn write(options: &TlsOptions, key_alone: bool) {
        let made = generate_simple_self_signed(["ns.example".to_owned()]).unwrap();
        if !key_alone {
            std::fs::write(&options.certificate, made.cert.pem()).unwrap();
        }
        let key: KeyPair = made.signing_key;
        std::fs::write(&options.key, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&options.key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn changed_files_are_taken_once_they_rest_and_are_sound() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = TlsOptions { certificate: path("tls.pem"), key: path("tls.key") };
        write(&options, false);
        let certificate = Certificate::open(&options).unwrap();
        let mut looks = Looks { taken: certificate.opened, seen: certificate.opened };
        let shown = || certificate.current.load_full().cert[0].clone();
        let first = shown();
        assert!(certificate.look(&mut looks).is_none());
        // Half of it is there.
        write(&options, true);
        assert!(certificate.look(&mut looks).is_none());
        assert!(matches!(certificate.look(&mut looks), Some(Err(CertificateError::Unfit { .. }))));
        assert!(certificate.look(&mut looks).is_none(), "it is told of once");
        std::fs::remove_file(&options.key).unwrap();
        assert!(certificate.look(&mut looks).is_none());
        assert!(matches!(certificate.look(&mut looks), Some(Err(CertificateError::Unreadable { .. }))));
        assert_eq!(shown(), first);
        write(&options, false);
        assert!(certificate.look(&mut looks).is_none());
        assert!(matches!(certificate.look(&mut looks), Some(Ok(()))));
        assert_ne!(shown(), first);
    }
}
