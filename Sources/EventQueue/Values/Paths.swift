/// The directory that holds the file at `path`: `.` for a name alone.
///
/// Foundation's `deletingLastPathComponent` traps on a relative path of one character (Swift 6.3 on Linux).
package func directory(ofFile path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
