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

    /// The time of what comes out is that of the read that brought the last part of its record.
    pub(super) async fn wrap(&self, tcp: Noted<TcpStream>) -> io::Result<Stream> {
        let tls = self.connector.connect(self.name.clone(), tcp).await?;
        Ok(Box::new(tls))
    }
}

#[cfg(not(feature = "tls"))]
pub(super) struct Tls(std::convert::Infallible);

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(super) fn new(_host: &str, _settings: &TlsSettings) -> Result<Self, String> {
        Err("goodput was built without its `tls` feature; enable it, or use an http:// URL".into())
    }

    pub(super) async fn wrap(&self, _tcp: Noted<TcpStream>) -> io::Result<Stream> {
        match self.0 {}
    }
}

#[cfg(feature = "tls")]
mod insecure {
    use std::sync::Arc;
    use tokio_rustls::rustls::{
        DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };

    /// Accepts any certificate, but still checks that the server holds its key.
    #[derive(Debug)]
    pub(super) struct AnyCertificate(pub(super) Arc<CryptoProvider>);

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
            verify_tls12_signature(message, cert, dss, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls13_signature(message, cert, dss, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
