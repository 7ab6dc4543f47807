//! Key pairs. No real key is made: the material says so.

use serde::{Deserialize, Serialize};

use crate::ec2::tags::{read_specifications, write_tags};
use crate::handler::Answer;
use crate::ids::{self, IdSource};
use crate::state::{Context, Tags};
use crate::time::iso8601;
use crate::wire::filters::{Filters, single_value};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A key pair, by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) name: String,
    kind: String,
    created_ms: i64,
    pub(crate) tags: Tags,
}

impl KeyPair {
    /// The key pair that a learner lab has from the start.
    pub(crate) fn vockey(ids: &mut IdSource) -> Self {
        Self {
            id: ids.prefixed("key"),
            name: "vockey".to_owned(),
            kind: "rsa".to_owned(),
            created_ms: 0,
            tags: Tags::new(),
        }
    }

    /// Tells whether it stood in the account from the start.
    pub(crate) fn is_seeded(&self) -> bool {
        self.created_ms == 0
    }

    /// Makes a fingerprint that depends on the key's id.
    fn fingerprint(&self) -> String {
        let digits = format!("{:016x}{:016x}", ids::mix(&[&self.id]), ids::mix(&[&self.name]));
        let pairs: Vec<String> =
            (0..16).map(|index| digits[2 * index..2 * index + 2].to_owned()).collect();
        pairs.join(":")
    }
}

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("KeyName")?;
    let kind = input.one_of("KeyType", &["rsa", "ed25519"])?.unwrap_or("rsa");
    input.one_of("KeyFormat", &["pem", "ppk"])?;
    let tags = read_specifications(input, "TagSpecification", "key-pair")?;
    if name.len() > 255 || !name.is_ascii() {
        return Err(input.invalid("KeyName", "at most 255 ASCII characters"));
    }
    input.end()?;
    if cx.region.key_pairs.contains_key(name) {
        let message = format!("The keypair '{name}' already exists.");
        return Err(Refusal::new("InvalidKeyPair.Duplicate", message));
    }
    let pair = KeyPair {
        id: cx.region.ids.prefixed("key"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        created_ms: cx.now_ms,
        tags,
    };
    let mut xml = Xml::new();
    xml.text("keyName", name)
        .text("keyFingerprint", pair.fingerprint())
        .text("keyMaterial", "(simulated cloud: no key material)")
        .text("keyPairId", &pair.id);
    write_tags(&mut xml, &pair.tags);
    cx.region.key_pairs.insert(name.to_owned(), pair);
    Ok(xml)
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let names = input.texts("KeyName");
    let ids = input.texts("KeyPairId");
    let filters = Filters::ec2(input)?;
    input.flag("IncludePublicKey")?;
    filters.check(input, &["key-name", "key-pair-id", "fingerprint", "tag"])?;
    input.end()?;
    for name in &names {
        if !cx.region.key_pairs.contains_key(*name) {
            let message = format!("The key pair '{name}' does not exist");
            return Err(Refusal::new("InvalidKeyPair.NotFound", message));
        }
    }
    for id in &ids {
        if !cx.region.key_pairs.values().any(|pair| pair.id == **id) {
            let message = format!("The key pair '{id}' does not exist");
            return Err(Refusal::new("InvalidKeyPair.NotFound", message));
        }
    }
    let pairs = cx.region.key_pairs.values().filter(|pair| {
        (names.is_empty() || names.contains(&pair.name.as_str()))
            && (ids.is_empty() || ids.contains(&pair.id.as_str()))
            && filters.pass(&pair.tags, |name| match name {
                "key-name" => single_value(&pair.name),
                "key-pair-id" => single_value(&pair.id),
                _ => single_value(&pair.fingerprint()),
            })
    });
    let mut xml = Xml::new();
    xml.items("keySet", pairs, |item, pair| {
        item.text("keyPairId", &pair.id)
            .text("keyName", &pair.name)
            .text("keyType", &pair.kind)
            .text("keyFingerprint", pair.fingerprint())
            .text("createTime", iso8601(pair.created_ms));
        write_tags(item, &pair.tags);
    });
    Ok(xml)
}

/// Deletes a key pair; deleting an absent one succeeds.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (name, id) = (input.text("KeyName"), input.text("KeyPairId"));
    input.end()?;
    let found = match (name, id) {
        (Some(name), _) => cx.region.key_pairs.get(name),
        (None, Some(id)) => cx.region.key_pairs.values().find(|pair| pair.id == id),
        (None, None) => return Err(Refusal::missing(input.service(), "KeyName")),
    };
    let found = found.map(|pair| (pair.name.clone(), pair.id.clone()));
    let mut xml = Xml::new();
    xml.text("return", true);
    if let Some((name, id)) = found {
        cx.region.key_pairs.remove(&name);
        xml.text("keyPairId", id);
    }
    Ok(xml)
}
