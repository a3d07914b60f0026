import EventQueue

extension Retention {
    /// Takes what `retention` of a file says.
    mutating func read(_ entry: ConfigurationReader.Entry?, with reader: inout ConfigurationReader) {
        let members = reader.members(entry, keys: ["keep", "thin", "bytes_max"])
        let ages = Duration.seconds(1)...Duration.longest
        keep = reader.duration(members["keep"], in: ages)
        thin = reader.duration(members["thin"], in: ages)
        bytesMax = reader.value(members["bytes_max"], allowed: "allowed: \(Quantities.bytesForm)") { text in
            Quantities.bytes(text).map(Int64.init)
        }
        if let keep, let thin, thin >= keep, let entry = members["thin"] {
            reader.report(
                "is not shorter than keep, so nothing would be thinned before it is deleted", at: entry,
                allowed: "allowed: less than \(Quantities.spelled(keep))")
        }
    }
}
