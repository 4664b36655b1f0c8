//! (Snapshot, Session, Operation) to Decision, and mask plans. Cedar lives here and nowhere else.
