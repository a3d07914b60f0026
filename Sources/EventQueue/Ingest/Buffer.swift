/// OrgLoop's own buffer of one source: a file of JSON lines in its `buffer_dir`, imported once.
package enum Buffer {
    /// Which buffer.
    package struct Key: Sendable, Hashable {
        package let source: Source.ID
        /// The absolute path of the file.
        package let path: String

        package init(source: Source.ID, path: String) {
            self.source = source
            self.path = path
        }
    }

    /// A place in the file up to which everything is done.
    package struct Mark: Sendable, Equatable {
        package let byte: Int
        package let line: Int
        /// The hash of the last bytes before the place, at most ``tailBytesMax``.
        package let tail: Fingerprint

        /// Lines carry random ids: fewer bytes than one line has would already tell two files apart.
        package static let tailBytesMax = 4096

        package init(byte: Int, line: Int, tail: Fingerprint) {
            self.byte = byte
            self.line = line
            self.tail = tail
        }
    }

    /// What is recorded of an import.
    package struct Progress: Sendable, Equatable {
        package let key: Key
        package let mark: Mark
        /// `nil` while it is under way.
        package let endedAt: Timestamp?
        package let events: Int
        package let present: Int
        package let rejected: Int

        package init(key: Key, mark: Mark, endedAt: Timestamp?, events: Int, present: Int, rejected: Int) {
            self.key = key
            self.mark = mark
            self.endedAt = endedAt
            self.events = events
            self.present = present
            self.rejected = rejected
        }
    }
}
