//! The key of a row, which tells when its session began.

/// The least id of a session that began at this moment, in microseconds since 1970: UUIDv7 begins with the millisecond (RFC 9562 §5.7).
pub(in crate::engine::history) fn first_id(micros: i64) -> [u8; 16] {
    let millis = u64::try_from(micros / 1_000).unwrap_or_default();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp, Uuid};

    use super::*;

    #[test]
    fn ids_of_later_sessions_are_greater() {
        let id = |millis: u64| {
            let moment =
                Timestamp::from_unix(NoContext, millis / 1_000, u32::try_from(millis % 1_000).unwrap() * 1_000_000);
            Uuid::new_v7(moment).into_bytes()
        };
        let millis = 1_795_300_000_123;
        let bound = first_id(i64::try_from(millis * 1_000 + 999).unwrap());
        assert!(id(millis - 1) < bound && bound <= id(millis));
    }
}
