//! The root role: holds listeners, keeps one worker alive, parses nothing from the network.
