/// The service files of this folder, embedded in the binary so that it can be copied anywhere.
///
/// They are valid as they stand, with usual paths; `service install` puts the real ones in.
package enum ServiceFiles {
    /// For the system's systemd.
    package static let systemUnit = String(decoding: PackageResources.orgloop_queue_service, as: UTF8.self)
    /// For the systemd of one user.
    package static let userUnit = String(decoding: PackageResources.orgloop_queue_user_service, as: UTF8.self)
    /// For launchd.
    package static let launchdList = String(decoding: PackageResources.com_orgloop_queue_plist, as: UTF8.self)

    /// What each of them says near its beginning: how a file that was installed is known again.
    package static let mark = "orgloop-queue service file"
}
