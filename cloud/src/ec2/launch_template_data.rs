//! What a launch template holds. Little of it is checked here: AWS checks when a group uses it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::{read_tags, write_tags};
use crate::state::Tags;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// User data may be this long, measured before it is encoded.
const USER_DATA_BYTES_MAX: usize = 16_384;

/// The data of one version of a launch template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LaunchTemplateData {
    pub(crate) image_id: Option<String>,
    pub(crate) instance_type: Option<String>,
    pub(crate) key_name: Option<String>,
    /// As it was sent: in base64.
    pub(crate) user_data: Option<String>,
    pub(crate) ebs_optimized: Option<bool>,
    pub(crate) monitoring: Option<bool>,
    pub(crate) security_group_ids: Vec<String>,
    pub(crate) security_group_names: Vec<String>,
    pub(crate) interfaces: Vec<InterfaceData>,
    pub(crate) volumes: Vec<VolumeData>,
    pub(crate) metadata: Option<MetadataOptions>,
    pub(crate) instance_tags: Tags,
    pub(crate) volume_tags: Tags,
    pub(crate) interface_tags: Tags,
}

/// A network interface that the template asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InterfaceData {
    device_index: i32,
    public_address: Option<bool>,
    delete_on_termination: Option<bool>,
    description: Option<String>,
    pub(crate) groups: Vec<String>,
    subnet_id: Option<String>,
}

/// A volume that the template asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeData {
    device_name: Option<String>,
    pub(crate) size_gib: Option<u32>,
    pub(crate) kind: Option<String>,
    delete_on_termination: Option<bool>,
    encrypted: Option<bool>,
}

/// How the instance metadata service behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetadataOptions {
    pub(crate) http_tokens: Option<String>,
    pub(crate) hop_limit: Option<u32>,
    http_endpoint: Option<String>,
    http_protocol_ipv6: Option<String>,
    instance_metadata_tags: Option<String>,
}

impl LaunchTemplateData {
    /// Reads `LaunchTemplateData.*`.
    pub(crate) fn read(input: &Fields<'_>) -> Result<Self, Refusal> {
        let data = input
            .child("LaunchTemplateData")
            .ok_or_else(|| Refusal::missing(input.service(), "LaunchTemplateData"))?;
        let text = |name| data.text(name).map(str::to_owned);
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let user_data = text("UserData");
        if let Some(encoded) = &user_data {
            check_user_data(encoded)?;
        }
        let monitoring = match data.child("Monitoring") {
            Some(monitoring) => monitoring.flag("Enabled")?,
            None => None,
        };
        let mut read = Self {
            image_id: text("ImageId"),
            instance_type: text("InstanceType"),
            key_name: text("KeyName"),
            user_data,
            ebs_optimized: data.flag("EbsOptimized")?,
            monitoring,
            security_group_ids: owned(data.texts("SecurityGroupId")),
            security_group_names: owned(data.texts("SecurityGroup")),
            interfaces: data
                .items("NetworkInterface")
                .iter()
                .map(InterfaceData::read)
                .collect::<Result<_, _>>()?,
            volumes: data
                .items("BlockDeviceMapping")
                .iter()
                .map(VolumeData::read)
                .collect::<Result<_, _>>()?,
            metadata: data
                .child("MetadataOptions")
                .map(|it| MetadataOptions::read(&it))
                .transpose()?,
            ..Self::default()
        };
        read.read_tag_specifications(&data)?;
        Ok(read)
    }

    fn read_tag_specifications(&mut self, data: &Fields<'_>) -> Result<(), Refusal> {
        for specification in data.items("TagSpecification") {
            let tags = match specification.required("ResourceType")? {
                "instance" => &mut self.instance_tags,
                "volume" => &mut self.volume_tags,
                "network-interface" => &mut self.interface_tags,
                other => {
                    let why = format!("'{other}' is not a type that this endpoint launches");
                    return Err(specification.invalid("ResourceType", why));
                }
            };
            tags.extend(read_tags(&specification)?);
        }
        Ok(())
    }

    /// What a new version holds that is made from another one: each member that was sent, and the source's else.
    pub(crate) fn over(self, source: &Self) -> Self {
        let tags = |own: Tags, source: &Tags| if own.is_empty() { source.clone() } else { own };
        let source = source.clone();
        Self {
            image_id: self.image_id.or(source.image_id),
            instance_type: self.instance_type.or(source.instance_type),
            key_name: self.key_name.or(source.key_name),
            user_data: self.user_data.or(source.user_data),
            ebs_optimized: self.ebs_optimized.or(source.ebs_optimized),
            monitoring: self.monitoring.or(source.monitoring),
            security_group_ids: filled(self.security_group_ids, source.security_group_ids),
            security_group_names: filled(self.security_group_names, source.security_group_names),
            interfaces: filled(self.interfaces, source.interfaces),
            volumes: filled(self.volumes, source.volumes),
            metadata: self.metadata.or(source.metadata),
            instance_tags: tags(self.instance_tags, &source.instance_tags),
            volume_tags: tags(self.volume_tags, &source.volume_tags),
            interface_tags: tags(self.interface_tags, &source.interface_tags),
        }
    }

    /// Gives the security groups that instances will wear: those of the interface, if it is described.
    pub(crate) fn effective_group_ids(&self) -> &[String] {
        match self.interfaces.first() {
            Some(interface) => &interface.groups,
            None => &self.security_group_ids,
        }
    }

    /// Tells whether instances get a public address; a default subnet gives one unless told not to.
    pub(crate) fn wants_public_address(&self) -> bool {
        self.interfaces.first().and_then(|interface| interface.public_address).unwrap_or(true)
    }

    /// Writes the data as a member of a version.
    pub(crate) fn write(&self, item: &mut Xml) {
        item.element("launchTemplateData", |xml| self.write_members(xml));
    }

    fn write_members(&self, xml: &mut Xml) {
        xml.optional("imageId", self.image_id.as_ref())
            .optional("instanceType", self.instance_type.as_ref())
            .optional("keyName", self.key_name.as_ref())
            .optional("userData", self.user_data.as_ref())
            .optional("ebsOptimized", self.ebs_optimized);
        if let Some(enabled) = self.monitoring {
            xml.element("monitoring", |monitoring| {
                monitoring.text("enabled", enabled);
            });
        }
        for (name, texts) in [
            ("securityGroupIdSet", &self.security_group_ids),
            ("securityGroupSet", &self.security_group_names),
        ] {
            if !texts.is_empty() {
                xml.element(name, |list| {
                    for text in texts {
                        list.text("item", text);
                    }
                });
            }
        }
        if !self.interfaces.is_empty() {
            xml.items("networkInterfaceSet", &self.interfaces, |item, it| it.write(item));
        }
        if !self.volumes.is_empty() {
            xml.items("blockDeviceMappingSet", &self.volumes, |item, it| it.write(item));
        }
        if let Some(metadata) = &self.metadata {
            xml.element("metadataOptions", |options| metadata.write(options));
        }
        let specifications = [
            ("instance", &self.instance_tags),
            ("volume", &self.volume_tags),
            ("network-interface", &self.interface_tags),
        ];
        let mut present =
            specifications.into_iter().filter(|(_, tags)| !tags.is_empty()).peekable();
        // A list that was not sent is no member, as for the lists above.
        if present.peek().is_some() {
            xml.items("tagSpecificationSet", present, |item, (kind, tags)| {
                item.text("resourceType", kind);
                write_tags(item, tags);
            });
        }
    }
}

/// A list that was sent, or else the other one.
fn filled<T>(sent: Vec<T>, otherwise: Vec<T>) -> Vec<T> {
    if sent.is_empty() { otherwise } else { sent }
}

fn check_user_data(encoded: &str) -> Result<(), Refusal> {
    let Ok(raw) = STANDARD.decode(encoded) else {
        let message = "Invalid BASE64 encoding of user data.";
        return Err(Refusal::new("InvalidUserData.Malformed", message));
    };
    if raw.len() > USER_DATA_BYTES_MAX {
        let message = format!("User data is limited to {USER_DATA_BYTES_MAX} bytes");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok(())
}

impl InterfaceData {
    fn read(item: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            device_index: item.number("DeviceIndex", 0..=15)?.unwrap_or(0),
            public_address: item.flag("AssociatePublicIpAddress")?,
            delete_on_termination: item.flag("DeleteOnTermination")?,
            description: item.text("Description").map(str::to_owned),
            groups: item.texts("SecurityGroupId").into_iter().map(str::to_owned).collect(),
            subnet_id: item.text("SubnetId").map(str::to_owned),
        })
    }

    fn write(&self, item: &mut Xml) {
        item.text("deviceIndex", self.device_index)
            .optional("associatePublicIpAddress", self.public_address)
            .optional("deleteOnTermination", self.delete_on_termination)
            .optional("description", self.description.as_ref())
            .optional("subnetId", self.subnet_id.as_ref())
            .element("groupSet", |set| {
                for group in &self.groups {
                    set.text("groupId", group);
                }
            });
    }
}

impl VolumeData {
    fn read(item: &Fields<'_>) -> Result<Self, Refusal> {
        let mut volume =
            Self { device_name: item.text("DeviceName").map(str::to_owned), ..Self::default() };
        if let Some(ebs) = item.child("Ebs") {
            volume.size_gib = ebs.number("VolumeSize", 1..=65_536)?;
            volume.kind = ebs.text("VolumeType").map(str::to_owned);
            volume.delete_on_termination = ebs.flag("DeleteOnTermination")?;
            volume.encrypted = ebs.flag("Encrypted")?;
        }
        Ok(volume)
    }

    fn write(&self, item: &mut Xml) {
        item.optional("deviceName", self.device_name.as_ref()).element("ebs", |ebs| {
            ebs.optional("volumeSize", self.size_gib)
                .optional("volumeType", self.kind.as_ref())
                .optional("deleteOnTermination", self.delete_on_termination)
                .optional("encrypted", self.encrypted);
        });
    }
}

impl MetadataOptions {
    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let switch = ["enabled", "disabled"];
        let owned = |text: Option<&'static str>| text.map(str::to_owned);
        Ok(Self {
            http_tokens: owned(fields.one_of("HttpTokens", &["optional", "required"])?),
            hop_limit: fields.number("HttpPutResponseHopLimit", 1..=64)?,
            http_endpoint: owned(fields.one_of("HttpEndpoint", &switch)?),
            http_protocol_ipv6: owned(fields.one_of("HttpProtocolIpv6", &switch)?),
            instance_metadata_tags: owned(fields.one_of("InstanceMetadataTags", &switch)?),
        })
    }

    /// Writes the options as a member of a template or of an instance.
    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.text("state", "applied")
            .optional("httpTokens", self.http_tokens.as_ref())
            .optional("httpPutResponseHopLimit", self.hop_limit)
            .optional("httpEndpoint", self.http_endpoint.as_ref())
            .optional("httpProtocolIpv6", self.http_protocol_ipv6.as_ref())
            .optional("instanceMetadataTags", self.instance_metadata_tags.as_ref());
    }
}
