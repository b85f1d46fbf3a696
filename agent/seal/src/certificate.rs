//! Certificates: of an authority of one's own, or of a site's authority upon our request; and whether they vouch for a key.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, anchor_from_trusted_cert};

use crate::key::{DeviceKey, KeyError, PublicKey};

/// A certificate cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("failed to make a certificate: {0}")]
    Unmade(String),
    /// There is none, or none that can be read.
    #[error("failed to read a certificate: {0}; it must be PEM, the device's own first")]
    Unread(String),
    /// The device's key does not sign.
    #[error(transparent)]
    Unsigned(#[from] KeyError),
}

fn unmade(error: &rcgen::Error) -> CertificateError {
    CertificateError::Unmade(error.to_string())
}

/// An authority of one's own, known by its key alone.
#[derive(Debug)]
pub struct Authority(DeviceKey);

impl Authority {
    /// The authority with this key.
    pub fn of(key: DeviceKey) -> Self {
        Self(key)
    }

    /// Its key.
    pub fn key(&self) -> &DeviceKey {
        &self.0
    }

    /// Its certificate, by itself, as PEM.
    pub fn certificate(&self) -> Result<String, CertificateError> {
        let own = self.params().self_signed(&self.0).map_err(|error| unmade(&error))?;
        Ok(own.pem())
    }

    /// The certificate of a device at a site, as PEM.
    pub fn certify(&self, device: &DeviceKey, site: &str) -> Result<String, CertificateError> {
        let issuer = Issuer::new(self.params(), &self.0);
        let mut params = device_params(device, site);
        // The same section asks for it.
        params.use_authority_key_identifier_extension = true;
        let made = params.signed_by(device, &issuer).map_err(|error| unmade(&error))?;
        Ok(made.pem())
    }

    fn params(&self) -> CertificateParams {
        let mut params = lasting(format!("Forewarn authority {}", self.0.public().short()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }
}

/// What a site's authority is asked to sign, as PEM.
pub fn request(device: &DeviceKey, site: &str) -> Result<String, CertificateError> {
    // What the makers of requests say of a key that does not sign has no reason in it.
    device.sign(&[])?;
    let made = device_params(device, site).serialize_request(device).and_then(|request| request.pem());
    made.map_err(|error| unmade(&error))
}

fn device_params(device: &DeviceKey, site: &str) -> CertificateParams {
    let mut params = lasting(format!("Forewarn device {}", device.public().short()));
    params.distinguished_name.push(DnType::OrganizationName, site);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Who reads content credentials takes no certificate without a purpose that he knows (C2PA 2.2, section 14.5.1).
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    params
}

/// Valid whatever a box without a battery takes for the time: a seal that is made late, or under a wrong clock, is one.
fn lasting(name: String) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2000, 1, 1);
    // Without a well-defined end: RFC 5280, section 4.1.2.5.
    params.not_after = date_time_ymd(9999, 12, 31);
    params
}

/// The certificate of a device, and of those who signed it, as they were handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates(Vec<CertificateDer<'static>>);

impl Certificates {
    /// Reads them; the device's own comes first.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = read.map_err(|error| CertificateError::Unread(error.to_string()))?;
        match found.first() {
            None => Err(CertificateError::Unread("there is none".to_owned())),
            Some(_) => Ok(Self(found)),
        }
    }

    /// Each as it was signed, the device's own first.
    pub(crate) fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The key of the first; none if it is no Ed25519 key.
    pub fn key(&self) -> Option<PublicKey> {
        Self::key_of(self.0.first()?)
    }

    /// The key of a certificate by itself; none if it is none, or of another kind of key.
    pub(crate) fn key_of(der: &[u8]) -> Option<PublicKey> {
        let der = CertificateDer::from(der);
        let own = EndEntityCert::try_from(&der).ok()?;
        PublicKey::from_spki(&own.subject_public_key_info())
    }

    /// Whether those in `trusted` vouch for the first, at a time in seconds since the Unix epoch: one of them is that
    /// certificate, or signed it, by way of the others.
    pub fn are_vouched_for(&self, trusted: &Trusted, at_s: u64) -> Result<(), String> {
        let key = self.key();
        if key.is_some_and(|key| trusted.keys.contains(&key)) {
            return Ok(());
        }
        trusted.vouch_for(&self.0, at_s, Usage::Any)
    }

    /// Whether the last signed the first, by way of those between. One alone says nothing of that.
    pub fn hang_together(&self, at_s: u64) -> Result<(), String> {
        match self.0.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                let trusted = Trusted { certificates: vec![last.clone()], keys: Vec::new() };
                Self(rest.to_vec()).are_vouched_for(&trusted, at_s)
            }
            _ => Ok(()),
        }
    }
}

/// Whom somebody trusts who verifies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted {
    certificates: Vec<CertificateDer<'static>>,
    keys: Vec<PublicKey>,
}

impl Trusted {
    /// Reads certificates and public keys from PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let unread = |error: rustls_pki_types::pem::Error| CertificateError::Unread(error.to_string());
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(unread)?;
        let spkis = SubjectPublicKeyInfoDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(unread)?;
        let keys: Vec<PublicKey> = spkis.iter().filter_map(|spki| PublicKey::from_spki(spki)).collect();
        if certificates.is_empty() && keys.is_empty() {
            return Err(CertificateError::Unread("there is no certificate and no Ed25519 key in it".to_owned()));
        }
        Ok(Self { certificates, keys })
    }

    /// This key alone.
    pub fn key(key: PublicKey) -> Self {
        Self { certificates: Vec::new(), keys: vec![key] }
    }

    /// Whether this very key is named, by itself or by its certificate.
    pub fn names(&self, key: &PublicKey) -> bool {
        let of = |certificate: &CertificateDer<'static>| Certificates(vec![certificate.clone()]).key();
        self.keys.contains(key) || self.certificates.iter().any(|certificate| of(certificate) == Some(*key))
    }

    /// Whether the first certificate is one of these, or one of these signed it by way of the others, at a time in seconds
    /// since the Unix epoch.
    pub(crate) fn vouch_for(
        &self,
        certificates: &[CertificateDer<'static>],
        at_s: u64,
        usage: Usage,
    ) -> Result<(), String> {
        let Some((first, rest)) = certificates.split_first() else { return Err("there is no certificate".to_owned()) };
        if self.certificates.contains(first) {
            return Ok(());
        }
        let own = EndEntityCert::try_from(first).map_err(|error| error.to_string())?;
        let anchors = self.anchors();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at_s));
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        let path = own.verify_for_usage(algorithms, &anchors, rest, at, usage, None, None);
        path.map(drop).map_err(|error| format!("{error:?}"))
    }

    fn anchors(&self) -> Vec<TrustAnchor<'_>> {
        self.certificates.iter().filter_map(|certificate| anchor_from_trusted_cert(certificate).ok()).collect()
    }
}

/// What the key of a certificate must be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Whatever a site's authority says.
    Any,
    /// Time stamps, as far as an authority between says what it is for.
    TimeStamping,
}

/// `id-kp-timeStamping`.
const TIME_STAMPING: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08]);

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        if *self == Self::Any {
            return Ok(());
        }
        let purposes = iter.collect::<Result<Vec<_>, _>>()?;
        let is_for_it = purposes.is_empty() || purposes.contains(&TIME_STAMPING);
        if is_for_it { Ok(()) } else { Err(webpki::Error::ExtensionValueInvalid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 June 2026.
    const TODAY_S: u64 = 1_780_272_000;

    fn authority() -> Authority {
        Authority::of(DeviceKey::generate().unwrap())
    }

    #[test]
    fn an_authority_vouches_for_the_device_that_it_certified_and_for_no_other() {
        let (ours, theirs, device) = (authority(), authority(), DeviceKey::generate().unwrap());
        let pem = ours.certify(&device, "riverside").unwrap() + &ours.certificate().unwrap();
        let certificates = Certificates::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(certificates.key(), Some(device.public()));
        certificates.hang_together(TODAY_S).unwrap();
        let trusted = |pem: String| Trusted::from_pem(pem.as_bytes()).unwrap();
        certificates.are_vouched_for(&trusted(ours.certificate().unwrap()), TODAY_S).unwrap();
        certificates.are_vouched_for(&trusted(ours.certify(&device, "riverside").unwrap()), 0).unwrap();
        certificates.are_vouched_for(&Trusted::key(device.public()), TODAY_S).unwrap();
        certificates.are_vouched_for(&trusted(theirs.certificate().unwrap()), TODAY_S).unwrap_err();
        let mixed = ours.certify(&device, "riverside").unwrap() + &theirs.certificate().unwrap();
        Certificates::from_pem(mixed.as_bytes()).unwrap().hang_together(TODAY_S).unwrap_err();
        assert!(trusted(pem).names(&device.public()) && !Trusted::key(theirs.key().public()).names(&device.public()));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Certificates::from_pem(b"none").unwrap_err().to_string().contains("there is none"));
        assert!(Trusted::from_pem(b"").is_err());
        assert!(request(&DeviceKey::generate().unwrap(), "gate").unwrap().contains("CERTIFICATE REQUEST"));
    }
}
