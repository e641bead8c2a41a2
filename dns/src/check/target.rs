//! Records that lead to an alias where they must not: MX and SRV. Those of name servers are in `apex` and `delegation`.

use super::finding::Findings;
use super::lookup::{Found, find};
use super::rule::Rule;
use super::standing::{Standing, each_standing};
use crate::columns::SortedZone;
use crate::types::{Rtype, additional_target};
use zone_segment::NameRef;

/// Checks all MX and SRV records.
pub(super) fn check<'a>(zone: &'a SortedZone, findings: &mut Findings<'a>) {
    each_standing(zone, findings, |owner, standing, findings| {
        if standing != Standing::Authoritative {
            return;
        }
        for record in owner.records {
            let rule = match record.rtype {
                Rtype::MX => Rule::MxToCname,
                Rtype::SRV => Rule::SrvToCname,
                _ => continue,
            };
            let target = additional_target(record.rtype).and_then(|offset| record.rdata.get(offset..));
            let Some(target) = target.and_then(|target| NameRef::from_wire(target).ok()) else { continue };
            let Found::Name(name) = find(zone, target) else { continue };
            if name.has(zone, Rtype::CNAME) {
                let owner = owner.name;
                findings.about_text(rule, *record, || format!("{owner} {} {target}", record.rtype));
            }
        }
    });
}
