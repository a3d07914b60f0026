/// The name of a member as it is looked for and as it is written.
struct JSONName: Sendable {
    let text: String
    /// A JSON string with its quotes, and the colon behind it.
    let bytes: [UInt8]

    init(_ text: String) {
        self.text = text
        bytes = jsonStringBytes(text) + CollectionOfOne(UInt8(ascii: ":"))
    }
}
