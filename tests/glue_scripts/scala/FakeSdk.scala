package software.amazon.awssdk.auth.credentials

/** The parts of the AWS SDK that the script uses, under the SDK's own names. */
final class AwsSessionCredentials {
  def accessKeyId(): String = "AKIASDK"
  def secretAccessKey(): String = "secret of the SDK"
  def sessionToken(): String = "token of the SDK"
}

final class DefaultCredentialsProvider {
  def resolveCredentials(): AwsSessionCredentials = new AwsSessionCredentials
}

object DefaultCredentialsProvider {
  def create(): DefaultCredentialsProvider = new DefaultCredentialsProvider
}
