//! TLS by rustls with the system's certificates.

use super::io::{Noted, Stream};
use std::io;
use tokio::net::TcpStream;

/// TLS settings of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsSettings {
    /// Accept any certificate (vLLM's `--insecure`).
    pub insecure: bool,
}

#[cfg(feature = "tls")]
pub(super) struct Tls {
    connector: tokio_rustls::TlsConnector,
    name: tokio_rustls::rustls::pki_types::ServerName<'static>,
}

#[cfg(feature = "tls")]
impl Tls {
    pub(super) fn new(host: &str, settings: &TlsSettings) -> Result<Self, String> {
        use rustls_platform_verifier::BuilderVerifierExt;
        use std::sync::Arc;
        use tokio_rustls::rustls::{ClientConfig, crypto::ring, pki_types::ServerName};

        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let config = if settings.insecure {
            config
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(insecure::AnyCertificate(provider)))
        } else {
            config.with_platform_verifier().map_err(|e| e.to_string())?
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
        Ok(Tls {
            connector: Arc::new(config.with_no_client_auth()).into(),
            name,
        })
    }

    /// Each decrypted byte has the time of the read that brought the last part of its record.
    pub(super) async fn wrap(&self, tcp: Noted<TcpStream>) -> io::Result<Stream> {
        let connected = self.connector.connect(self.name.clone(), tcp).await;
        Ok(Box::new(connected.map_err(explained)?))
    }
}

/// Whether TLS failed on an open connection.
pub(super) fn is_of_tls(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// Explains what a server without TLS does to a handshake, and how to fix a certificate.
#[cfg(feature = "tls")]
fn explained(error: io::Error) -> io::Error {
    use tokio_rustls::rustls::Error;

    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let message = match inner {
        Some(Error::InvalidMessage(_)) => {
            "the server does not speak TLS on this port. If it speaks plain HTTP, begin the target's \
             URL with http://"
                .to_owned()
        }
        Some(Error::InvalidCertificate(_)) => format!(
            "{error}. Make this machine trust the certificate (SSL_CERT_FILE names a file of trusted \
             certificates), or set `insecure`"
        ),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection during the TLS handshake. If it speaks plain HTTP, begin \
             the target's URL with http://"
                .to_owned()
        }
        _ => return error,
    };
    io::Error::new(error.kind(), message)
}

#[cfg(not(feature = "tls"))]
pub(super) struct Tls(std::convert::Infallible);

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(super) fn new(_host: &str, _settings: &TlsSettings) -> Result<Self, String> {
        Err(concat!(
            "an https:// URL ",
            crate::feature::needed!("tls"),
            ", or use an http:// URL"
        )
        .into())
    }

    pub(super) async fn wrap(&self, _tcp: Noted<TcpStream>) -> io::Result<Stream> {
        match self.0 {}
    }
}

#[cfg(feature = "tls")]
mod insecure {
    use std::sync::Arc;
    use tokio_rustls::rustls::{
        CertificateError, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };

    /// Accepts any certificate, but still checks that the server has its key, if the certificate's format
    /// allows that: `openssl x509` makes certificates of version 1, which does not.
    #[derive(Debug)]
    pub(super) struct AnyCertificate(pub(super) Arc<CryptoProvider>);

    fn unless_unreadable(
        verified: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verified {
            Err(Error::InvalidCertificate(why)) if why != CertificateError::BadSignature => {
                Ok(HandshakeSignatureValid::assertion())
            }
            other => other,
        }
    }

    impl ServerCertVerifier for AnyCertificate {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            unless_unreadable(verify_tls12_signature(message, cert, dss, algorithms))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            unless_unreadable(verify_tls13_signature(message, cert, dss, algorithms))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
