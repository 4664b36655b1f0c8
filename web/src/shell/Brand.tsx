// The mark: a gate above moving water.

export function Brand({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b6a96" />
      <path d="M7 9v14M25 9v14M7 12h18" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path
        d="M11 18c1.7-1.6 3.3-1.6 5 0s3.3 1.6 5 0M11 23c1.7-1.6 3.3-1.6 5 0s3.3 1.6 5 0"
        stroke="#a5d5ea"
        strokeWidth="2.2"
        strokeLinecap="round"
      />
    </svg>
  );
}
