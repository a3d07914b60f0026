import EventQueue
import Foundation

/// The file that `secret_file` names: one secret a line, and the first is the new one of a rotation.
struct SecretFile: Sendable {
    let path: String
    let secrets: [Secret]
    /// What an operator may want to mend although the file can be used, said of the file.
    let warnings: [String]

    /// A file beyond this is another one, given by mistake.
    static let bytesMax = 16 << 10
    /// A rotation has two. A file with many more is a key or a program given by mistake, and each of its lines
    /// would be believed.
    static let secretsMax = 8

    /// Why a file cannot be used, and what can be.
    private struct Refusal: Error {
        let problem: String
        let allowed: String
    }

    /// Reads the file that `entry` names; what is wrong with it is reported there.
    static func read(_ entry: ConfigurationReader.Entry?, with reader: inout ConfigurationReader) -> SecretFile? {
        guard let entry, let name = reader.text(entry, allowed: "allowed: the path of a file") else { return nil }
        let path = ConfigurationLoader.resolved(name, beside: reader.file, home: reader.environment["HOME"])
        do throws(Refusal) {
            return try read(path)
        } catch {
            // As the file spells it: a variable that was named by mistake may hold the secret itself.
            reader.report("'\(entry.spelling ?? "")' \(error.problem)", at: entry, allowed: error.allowed)
            return nil
        }
    }

    private static func read(_ path: String) throws(Refusal) -> SecretFile {
        var status = stat()
        guard stat(path, &status) == 0 else { throw missing(errno) }
        // Reading a pipe could take for ever.
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw Refusal(
                problem: isDirectory ? "is a directory" : "is no regular file",
                allowed: "allowed: a file with the secret in it")
        }
        guard access(path, R_OK) == 0 else { throw unreadable(errno) }
        guard let content = try? PrivateFile.read(path, bytesMax: bytesMax + 1) else { throw unreadable(EIO) }
        let secrets = try secrets(in: content)
        return SecretFile(path: path, secrets: secrets.known, warnings: warnings(path, status.st_mode, secrets.lines))
    }

    private static func secrets(in content: [UInt8]) throws(Refusal) -> (lines: [Substring], known: [Secret]) {
        guard content.count <= bytesMax else {
            throw Refusal(problem: "is too large", allowed: "allowed: at most \(bytesMax) bytes, one secret a line")
        }
        guard let text = String(validating: content, as: UTF8.self), !text.unicodeScalars.contains("\0") else {
            throw Refusal(
                problem: "is no text", allowed: "allowed: UTF-8, for example random bytes in hexadecimal digits")
        }
        let lines = text.split { ["\n", "\r\n", "\r"].contains($0) }
        guard !lines.contains(where: { $0.hasPrefix("#") }) else {
            // Whoever writes a comment would have it believed as a secret.
            throw Refusal(
                problem: "has a line that begins with #",
                allowed: "allowed: secrets only, no comments; a secret that begins so goes into `secrets`")
        }
        let known = lines.compactMap { Secret(String($0)) }
        guard !known.isEmpty else { throw Refusal(problem: "is empty", allowed: "write the secret into it") }
        guard lines.count <= secretsMax else {
            throw Refusal(
                problem: "has \(lines.count) lines", allowed: "allowed: at most \(secretsMax), one secret a line")
        }
        return (lines, known)
    }

    private static func warnings(_ path: String, _ mode: mode_t, _ lines: [Substring]) -> [String] {
        // Its group may be the service's: systemd's credentials are read that way, too.
        let isOpen = mode & (S_IROTH | S_IWOTH) != 0
        let isPadded = lines.contains { line in
            [line.first, line.last].contains { $0?.isWhitespace == true || $0 == "\u{FEFF}" }
        }
        return (isOpen ? ["\(path) is open to every user of this machine: chmod o= \(shellWord(path))"] : [])
            + (isPadded
                ? ["\(path) has a line with white space at its ends, which is taken as part of the secret"] : [])
    }

    private static func missing(_ code: Int32) -> Refusal {
        guard [ENOENT, ENOTDIR].contains(code) else { return unreadable(code) }
        return Refusal(
            problem: "is not there",
            allowed: "make the file, or mend the path; a relative one begins at the directory of this file")
    }

    private static func unreadable(_ code: Int32) -> Refusal {
        Refusal(
            problem: "cannot be read: \(String(cString: strerror(code)))",
            allowed: "let the user of the service read it, and run this as that user")
    }
}
